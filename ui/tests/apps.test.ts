// Apps on the fixture engine: what a user sets, and what reaches the backend.
import { fireEvent, screen, waitFor } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import { botSnippets } from "../src/botSnippets";
import { find, opener, shut, type Window } from "./fixtures/open";

const open = opener({ width: 700 });

const edits = (engine: Window) =>
  engine.calls.filter(({ command }) => command === "app_edit").flatMap(({ args }) => args["edits"]);

async function leave(id: string, value: string) {
  const field = await find(id);
  await fireEvent.input(field, { target: { value } });
  await fireEvent.blur(field);
}

describe("an app", () => {
  it("is set field by field, and what is no limit is refused", async () => {
    const engine = await open("#/apps/mt5-signal-bot");
    await leave("app-rate_limit_per_minute", "60");
    await leave("app-max_output_tokens", "1,000");
    await leave("app-max_concurrent_requests", "none");
    expect(await screen.findByText("A whole number, or empty for no limit")).toBeTruthy();
    await waitFor(() =>
      expect(edits(engine)).toEqual([
        { field: "rate_limit_per_minute", value: 60 },
        { field: "max_output_tokens", value: 1000 },
      ]),
    );
  });

  it("c2_tells_where_its_traffic_would_have_cost_less_and_leads_to_the_comparison", async () => {
    const engine = await open("#/apps/mt5-signal-bot");
    const told = await find("app-cheaper");
    expect(told.textContent).toContain("$19.25 less on gemini-2.5-flash-lite");
    expect(told.textContent).toContain("Answer quality not compared.");
    await fireEvent.click(screen.getByTestId("app-cheaper-compare"));
    await find("usage-what-if");
    expect(location.hash).toContain("is.app=mt5-signal-bot");
    expect(location.hash).toContain("is.type=chat");
    const asked = () => engine.calls.filter(({ command }) => command === "usage_what_if").at(-1)?.args;
    await waitFor(() => expect(asked()?.["models"]).toContain("gemini/gemini-2.5-flash-lite"));
    expect(asked()?.["query"]).toMatchObject({
      days: { kind: "last", days: 30 },
      conditions: [
        { field: "app", relation: "is", values: ["mt5-signal-bot"] },
        { field: "type", relation: "is", values: ["chat"] },
      ],
    });
    await shut();
    await open("#/apps/news-digest");
    await find("app-default-feature");
    expect(screen.queryByTestId("app-cheaper")).toBeNull();
  });

  it("keeps what it sends and gets only where that is chosen", async () => {
    const engine = await open("#/apps/mt5-signal-bot");
    const keep = (await find("app-keep")) as HTMLSelectElement;
    expect(keep.value).toBe("");
    await fireEvent.change(keep, { target: { value: "86400" } });
    await waitFor(() => expect(edits(engine)).toEqual([{ field: "keep_bodies_s", value: 86_400 }]));
    await fireEvent.change(keep, { target: { value: "" } });
    await waitFor(() => expect(edits(engine).at(-1)).toEqual({ field: "keep_bodies_s", value: null }));
  });

  it("may use what its list names, and everything again without one", async () => {
    const engine = await open("#/apps/mt5-signal-bot");
    await fireEvent.click(await find("app-may-use-add"));
    await leave("app-may-use-name", "signal-s");
    await waitFor(() => expect(screen.queryByTestId("app-may-use-name")).toBeNull());
    expect(edits(engine), "half a word is no list").toEqual([]);
    await fireEvent.click(await find("app-may-use-add"));
    await fireEvent.input(await find("app-may-use-name"), { target: { value: "signal-scan" } });
    await fireEvent.keyDown(screen.getByTestId("app-may-use-name"), { key: "Enter" });
    await waitFor(() => expect(screen.getByTestId("snippet-text").textContent).toContain('model="signal-scan"'));
    await fireEvent.click(await screen.findByLabelText("Take signal-scan off the list"));
    await waitFor(() =>
      expect(edits(engine)).toEqual([
        { field: "may_use", value: ["signal-scan"] },
        { field: "may_use", value: null },
      ]),
    );
  });
});

describe("snippets", () => {
  it("hold the token only where it has to be in the text", () => {
    const samples = botSnippets("http://127.0.0.1:4141/", "my bot", "conn/m", "pb_secret");
    const held = samples.filter(({ code }) => code.includes("pb_secret")).map(({ id }) => id);
    expect(held).toEqual(["url"]);
    expect(samples.at(-1)?.code).toContain("http://127.0.0.1:4141/b/my%20bot-pb_secret/v1");
    for (const { id, code } of samples.slice(0, -1)) expect(code, id).toContain("http://127.0.0.1:4141/v1");
  });
});
