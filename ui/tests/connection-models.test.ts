// The Models tab of a connection on the fixture engine.
import { fireEvent, screen, waitFor } from "@testing-library/svelte";
import { describe, expect, it, vi } from "vitest";
import { calls, find, open } from "./fixtures/open";

vi.setConfig({ testTimeout: 40_000 });

describe("a connection's Models tab", () => {
  it("m6_shows_what_the_connection_has_and_lets_it_use_a_model_or_not", async () => {
    const engine = await open("#/connections/conn_openai_main?tab=models");
    const row = await find("of-gpt-5-mini");
    const asked = calls(engine, "models").map(({ args }) => args["query"]);
    expect(asked).toContainEqual({ connection: "conn_openai_main" });
    expect(row.textContent).toContain("Default");
    expect(row.textContent).toContain("$0.25");
    expect(row.textContent).toContain("400K");
    // The default may always be used.
    expect(screen.getByTestId("may-gpt-5-mini").hasAttribute("disabled")).toBe(true);
    const may = screen.getByTestId("may-gpt-5");
    expect(may.getAttribute("aria-checked")).toBe("true");
    await fireEvent.click(may);
    await waitFor(() =>
      expect(calls(engine, "model_allow")[0]?.args).toEqual({
        connection: "conn_openai_main",
        model: "gpt-5",
        allowed: false,
      }),
    );
  });

  it("is searched by name, and leads to all that is known of a model", async () => {
    await open("#/connections/conn_openai_main?tab=models");
    await find("of-gpt-5-mini");
    await fireEvent.input(screen.getByTestId("tab-models-filter"), { target: { value: "mini" } });
    await waitFor(() => expect(screen.queryByTestId("of-gpt-5")).toBeNull());
    await fireEvent.input(screen.getByTestId("tab-models-filter"), { target: { value: "nothing like it" } });
    expect((await find("tab-models-none")).textContent).toContain("No model of this connection has such a name");
    await fireEvent.input(screen.getByTestId("tab-models-filter"), { target: { value: "" } });
    const row = await find("of-gpt-5-mini");
    await fireEvent.click(row.querySelector("button.link")!);
    await waitFor(() => expect(decodeURIComponent(location.hash)).toContain("#/models/openai/gpt-5-mini"));
  });

  it("reads the provider's list again", async () => {
    const engine = await open("#/connections/conn_openai_main?tab=models");
    await fireEvent.click(await find("tab-models-read"));
    await waitFor(() => expect(calls(engine, "models_sync")[0]?.args).toEqual({ provider: "openai" }));
  });
});
