// Connection tests in the window, on the fixture engine: the report, several at once, what the past was like.
import { fireEvent, screen, waitFor } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import type { CheckPoint } from "../src/backend";
import { foundOut, lastTests, reportText, usualTime } from "../src/screens/connections/report/words";
import { reportOf } from "./fixtures/checks";
import { connections } from "./fixtures/connections";
import { calls, find, open } from "./fixtures/open";

const press = (key: string) => fireEvent.keyDown(window, { key, code: `Key${key.toUpperCase()}` });

describe("the test report", () => {
  it("leaves Enter to the button that has the focus", async () => {
    await open("#/connections/conn_openrouter?view=report");
    await find("remedies");
    expect(await fireEvent.keyDown(screen.getByTestId("report-back"), { key: "Enter" })).toBe(true);
  });

  it("f8_stands_beside_those_of_all_others_and_moves_by_keys", async () => {
    await open("#/connections/conn_openai_main?view=report");
    expect((await find("report-list")).textContent).toMatch(/passed.*1 failed/);
    expect((await find("verdict")).dataset["verdict"]).toBe("passed");
    expect((await find("last-tests")).textContent).toContain("11 passed, 1 failed");
    await press("j");
    await waitFor(() => expect(location.hash).toBe("#/connections/conn_openai_spare?view=report"));
    await fireEvent.keyDown(window, { key: "Escape" });
    await waitFor(() => expect(location.hash).toBe("#/connections/conn_openai_spare"));
    await find("detail");
  });

  it("f8_its_remedies_work_from_there", async () => {
    await open("#/connections/conn_openrouter?view=report");
    await fireEvent.click(await find("remedy-replace_key"));
    await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId("key-secret")), { timeout: 4000 });
  });

  it("f8_a_server_of_another_kind_is_added_with_its_address", async () => {
    const engine = await open("#/overview");
    engine.state.connections = engine.state.connections.map((one) =>
      one.key === "conn_openai_main" && one.last_check
        ? {
            ...one,
            base_url: "http://127.0.0.1:11434/v1",
            last_check: {
              ...one.last_check,
              verdict: "failed",
              remedies: [{ text: "This is Ollama: add it as that.", action: "add_instead", value: "ollama" }],
            },
          }
        : one,
    );
    engine.changed("connections");
    await waitFor(() => expect(screen.getByTestId("nav-connections")).toBeTruthy());
    location.hash = "#/connections/conn_openai_main?tab=test";
    await fireEvent.click(await find("remedy-add_instead"));
    const url = (await find("add-base-url")) as HTMLInputElement;
    await waitFor(() => expect(url.value).toBe("http://127.0.0.1:11434/v1"));
    expect(screen.getByTestId("add-provider-ollama").getAttribute("aria-checked")).toBe("true");
  });
});

describe("tests of several", () => {
  it("test what is selected, and say how far they are", async () => {
    const engine = await open("#/connections");
    const row = await find("conn-conn_openai_main");
    row.focus();
    await press("x");
    (await find("conn-conn_claude_main")).focus();
    await press("x");
    await waitFor(() => expect(screen.getByTestId("test-all").textContent).toContain("Test 2 selected"));
    await fireEvent.click(screen.getByTestId("test-all"));
    await waitFor(() => expect(calls(engine, "connections_test")).toHaveLength(1));
    expect(calls(engine, "connections_test")[0]?.args["keys"]).toEqual(["conn_openai_main", "conn_claude_main"]);
    expect(await screen.findByText(/Tested 2: 2 passed/, {}, { timeout: 4000 })).toBeTruthy();
  });

  it("can be stopped", async () => {
    const engine = await open("#/connections", "hold");
    await find("conn-conn_openai_main");
    await fireEvent.click(await find("test-all"));
    expect((await find("test-progress")).textContent).toContain("0 of 9 tested");
    await fireEvent.click(screen.getByTestId("test-all-stop"));
    await waitFor(() => expect(calls(engine, "connections_test_stop")).toHaveLength(1));
  });
});

describe("their words", () => {
  const point = (verdict: CheckPoint["verdict"], took_ms: number): CheckPoint => ({
    at: took_ms,
    took_ms,
    verdict,
    failed_stage: null,
    code: null,
    title: "",
  });

  it("sum up the past", () => {
    const passed = [point("passed", 1100), point("passed", 1460), point("passed", 1200)];
    expect(lastTests(passed)).toBe("all passed");
    expect(usualTime(passed)).toBe("1.10 s to 1.46 s");
    expect(lastTests([...passed, point("failed", 90), point("limited", 80)])).toBe("3 passed, 1 limited, 1 failed");
    expect(usualTime(passed.slice(1))).toBe("");
  });

  it("tell what was found out, and nothing of what was not asked", () => {
    const learned = {
      limits: [{ of: "requests", limit: 500, remaining: 288, reset_s: 61 }],
      skew_s: -2,
      first_token_ms: 402,
      stream_usage: true,
      tools: false,
      json_schema: null,
      embeddings: null,
      balance: { left: "3.2", currency: "USD" },
    };
    expect(foundOut(learned).map(({ label, text }) => `${label}: ${text}`)).toEqual([
      "Account: $3.20 left",
      "Limit of requests: 500, 288 left, more in 1 min",
      "Streaming: First token after 402 ms",
      "Usage at the end of a stream: Works",
      "Tools: Does not work here",
      "Clock: 2 s behind the provider",
    ]);
    expect(foundOut(null)).toEqual([]);
  });

  it("copy a report with every stage and remedy", () => {
    const broken = connections.find(({ key }) => key === "conn_openrouter");
    const text = broken ? reportText(broken, reportOf(broken, false)) : "";
    expect(text).toContain("OpenRouter overflow (OpenRouter,");
    expect(text).toContain("Auth: Failed, ");
    expect(text).toContain("2. Create a new key there");
  });
});
