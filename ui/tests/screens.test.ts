// First run, overview and playground on the fixture engine: what a user does, and what reaches the backend.
import { fireEvent, screen, waitFor } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import { calls, find, opener } from "./fixtures/open";

const open = opener({ width: 700, height: 200 });

const type = async (id: string, value: string) => fireEvent.input(await find(id), { target: { value } });
const ctrlEnter = () => fireEvent.keyDown(window, { key: "Enter", code: "Enter", ctrlKey: true });

describe("first run", () => {
  it("tests, saves, makes a token and waits for the first call", async () => {
    const engine = await open("", "first");
    expect((await find("fr-name")).getAttribute("data-testid")).toBe("fr-name");
    await fireEvent.click(await find("fr-provider-anthropic"));
    expect(screen.getByTestId<HTMLInputElement>("fr-name").value).toBe("Anthropic primary");
    await type("fr-secret", "sk-ant-good-0123456789");
    await ctrlEnter();
    expect(((await find("fr-cap")) as HTMLInputElement).value).toBe("5.00");
    await fireEvent.click(screen.getByTestId("fr-set-budget"));
    expect((await find("fr-app-name")).getAttribute("data-testid")).toBe("fr-app-name");
    expect(calls(engine, "budget_set")[0]?.args["draft"]).toMatchObject({
      scope: { kind: "all", name: "" },
      period: "day",
      cap: "5.00",
      on_limit: "stop",
    });
    expect(calls(engine, "connection_add_tested")[0]?.args["draft"]).toMatchObject({
      provider: "anthropic",
      name: "Anthropic primary",
      secret: "sk-ant-good-0123456789",
      default_model: "claude-haiku-4-5",
    });

    await fireEvent.click(screen.getByTestId("fr-make-token"));
    expect((await find("fr-listening")).dataset["called"]).toBe("false");
    expect(calls(engine, "app_add")[0]?.args).toEqual({ name: "my-bot", feature: null });
    expect(screen.getByTestId("fr-snippet-text").textContent).toContain("conn_anthropic_primary/claude-haiku-4-5");
    await fireEvent.click(screen.getByTestId("fr-snippet-env"));
    expect(screen.getByTestId("fr-snippet-text").textContent).toContain("PATCHBAY_TOKEN=pb_live_");

    engine.state.overview = { ...engine.state.overview, today: { ...engine.state.overview.today, calls: 1 } };
    engine.changed("usage");
    await waitFor(() => expect(screen.getByTestId("fr-listening").dataset["called"]).toBe("true"));
    await fireEvent.click(screen.getByTestId("fr-open-overview"));
    await find("ov-requests");
    expect(location.hash).toBe("#/overview");
  });

  it("keeps the typed key when the test fails, and saves without one", async () => {
    const engine = await open("", "first");
    await type("fr-secret", "sk-bad-0123456789");
    await fireEvent.click(screen.getByTestId("fr-test-save"));
    expect((await find("add-report")).dataset["verdict"]).toBe("failed");
    expect(screen.getByTestId<HTMLInputElement>("fr-secret").value).toBe("sk-bad-0123456789");
    await fireEvent.click(screen.getByTestId("fr-save-untested"));
    await fireEvent.click(await find("fr-skip-budget"));
    await find("fr-make-token");
    expect(calls(engine, "budget_set")).toHaveLength(0);
    expect(calls(engine, "connection_add_untested")).toHaveLength(1);
  });

  it("asks for what the picked provider needs", async () => {
    await open("", "first");
    await find("fr-secret");
    expect(screen.queryByTestId("fr-base-url")).toBeNull();
    await fireEvent.click(screen.getByTestId("fr-provider-ollama"));
    await waitFor(() => expect(screen.queryByTestId("fr-secret")).toBeNull());
    await fireEvent.click(screen.getByTestId("fr-provider-other"));
    await find("fr-base-url");
    await fireEvent.click(screen.getByTestId("fr-test-save"));
    expect(await screen.findByText("Enter the URL of the server")).toBeTruthy();
  });

  it("saves no key into a locked keychain, but lets keyless providers and the demo through", async () => {
    const engine = await open("", "first-locked");
    expect((await find("fr-vault")).textContent).toContain("The keychain is locked");
    expect((await find("fr-test-save")).hasAttribute("disabled")).toBe(true);
    await ctrlEnter();
    expect(calls(engine, "connection_add_tested")).toHaveLength(0);
    await fireEvent.click(screen.getByTestId("fr-provider-ollama"));
    await waitFor(() => expect(screen.getByTestId("fr-test-save").hasAttribute("disabled")).toBe(false));
    await fireEvent.click(screen.getByTestId("fr-demo"));
    await find("ov-spend-today");
    expect(calls(engine, "demo_load")).toHaveLength(1);
    expect(await find("sample-data")).toBeTruthy();
  });
});

describe("an import into a locked keychain", () => {
  it("k4_keeps_what_is_chosen_while_the_keys_are_unlocked", async () => {
    const engine = await open("", "first-locked");
    await fireEvent.click(await find("fr-unlock"));
    await find("unlock");
    await fireEvent.click(screen.getByText("Cancel"));
    await fireEvent.click(await find("fr-import"));
    await fireEvent.input(await find("import-path"), { target: { value: "/home/me/bot/.env" } });
    await fireEvent.click(screen.getByTestId("import-look"));
    await fireEvent.click(await find("import-OPENAI_API_KEY"));
    await fireEvent.click(screen.getByTestId("import-go"));
    await fireEvent.click(await find("import-unlock"));
    await fireEvent.click(await find("unlock-go"));
    await waitFor(() => expect(screen.queryByTestId("unlock")).toBeNull());
    expect((await find<HTMLInputElement>("import-OPENAI_API_KEY")).checked).toBe(true);
    await fireEvent.click(screen.getByTestId("import-go"));
    await waitFor(() => expect(calls(engine, "import_apply")).toHaveLength(2));
    expect(calls(engine, "import_plan")).toHaveLength(1);
  });
});

describe("the overview", () => {
  it("shows the day, and reads it again when it changes", async () => {
    const engine = await open("#/overview");
    expect((await find("ov-spend-today")).textContent).toContain("$6.28");
    expect(screen.getByTestId("ov-answered").textContent).toContain("99.8%");
    expect(screen.getByTestId("ov-unpriced").textContent).toContain("12 attempts of unknown price: llama3.3");
    engine.state.overview = { ...engine.state.overview, today: { ...engine.state.overview.today, cost: "7.01" } };
    engine.changed("usage");
    await waitFor(() => expect(screen.getByTestId("ov-spend-today").textContent).toContain("$7.01"));
  });

  it("asks for the chart at its size, hides a series, shows one alone", async () => {
    const engine = await open("#/overview");
    await fireEvent.click(await find("series-openai"));
    const last = () => calls(engine, "usage_chart").at(-1)?.args["request"];
    await waitFor(() => expect(last()).toMatchObject({ width: 700, height: 200, theme: "dark", hidden: ["openai"] }));
    await waitFor(() => expect(screen.getByTestId("series-openai").getAttribute("aria-pressed")).toBe("false"));
    await fireEvent.click(screen.getByTestId("series-gemini"), { altKey: true });
    await waitFor(() => expect(last()).toMatchObject({ hidden: ["openai", "anthropic", "openrouter"] }));
  });

  it("moves over the chart by keys, and shows it as a table of all days", async () => {
    await open("#/overview");
    await find("series-openai");
    const chart = screen.getByTestId("spend-chart");
    expect(chart.getAttribute("aria-label")).toContain("Spend per day");
    await fireEvent.keyDown(chart, { key: "Home" });
    expect(chart.querySelector(".tip")?.textContent).toContain("Google Gemini");
    await fireEvent.click(screen.getByTestId("spend-options"));
    await fireEvent.click(await find("spend-as-table"));
    expect((await find("chart-table")).querySelectorAll("tbody tr")).toHaveLength(30);
  });

  it("leads to what needs somebody", async () => {
    await open("#/overview");
    await fireEvent.click(await find("attention-fix_key"));
    await waitFor(() => expect(location.hash).toContain("#/connections/conn_openrouter"));
    await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId("key-secret")), { timeout: 3000 });
  });

  it("opens a connection from its row", async () => {
    await open("#/overview");
    await fireEvent.keyDown(await find("ov-conn-conn_claude_main"), { key: "Enter" });
    await waitFor(() => expect(location.hash).toBe("#/connections/conn_claude_main"));
  });

  it("finds another port where one is taken", async () => {
    const engine = await open("#/overview", "port");
    await fireEvent.click(await find("gateway-use-port"));
    await waitFor(() => expect(screen.getByTestId("gateway-use-port").textContent).toContain("Use 4143"));
    expect(screen.getByTestId("gateway-note").textContent).toContain("Port 4142 is taken by another program");
    await fireEvent.click(screen.getByTestId("gateway-use-port"));
    expect((await find("ov-url")).textContent).toBe("http://127.0.0.1:4143/v1");
    expect(calls(engine, "gateway_listen").map(({ args }) => args["port"])).toEqual([4142, 4143]);
  });

  it("says what to do before the first call", async () => {
    await open("#/overview", "empty");
    expect((await find("ov-snippet-text")).textContent).toContain("curl http://127.0.0.1:4141/v1/chat/completions");
    expect(screen.getByTestId("ov-spend-today").textContent).toContain("$0.00");
    expect(screen.getByTestId("ov-attention").textContent).toContain("Nothing needs you");
  });

  it("shows what went wrong, with Retry", async () => {
    const engine = await open("#/overview", "broken");
    expect((await find("ov-error")).textContent).toContain("The database did not answer");
    const before = calls(engine, "overview").length;
    await fireEvent.click(screen.getByText("Retry"));
    await waitFor(() => expect(calls(engine, "overview").length).toBeGreaterThan(before));
  });
});

describe("the playground", () => {
  /** Sends what the composer holds, as soon as that is possible. */
  const send = async (prompt: string) => {
    await type("pg-prompt", prompt);
    await waitFor(() => expect(screen.getByTestId("pg-run").hasAttribute("disabled")).toBe(false));
    await ctrlEnter();
  };

  it("sends a prompt and shows the answer, its route and its cost", async () => {
    const engine = await open("#/playground");
    expect((await find("pg-run")).hasAttribute("disabled")).toBe(true);
    await type("pg-temperature", "0.3");
    await send("What is the read?");
    await waitFor(() => expect(screen.getByTestId("pg-cost").textContent).toBe("$0.000439"), { timeout: 4000 });
    expect(screen.getByTestId("pg-tokens").textContent).toBe("412 + 168");
    expect(screen.getByTestId("pg-answer").textContent).toContain("Read: long bias");
    expect(screen.getByTestId("pg-route").textContent).toContain("2 attempts, 1 retry");
    expect(screen.getByTestId("attempt-1").textContent).toContain("503 overloaded");
    expect(calls(engine, "playground_run")[0]?.args["request"]).toEqual({
      model: "conn_openai_main/gpt-5-mini",
      system: null,
      prompt: "What is the read?",
      temperature_centi: 30,
      max_tokens: null,
      response_format: null,
      tools: [],
      tool_choice: null,
      attachment: null,
    });
  });

  it("sends the shape of the answer and a file along, after an estimate", async () => {
    const engine = await open("#/playground");
    await type("pg-prompt", "What is the read?");
    await waitFor(() => expect(screen.getByTestId("pg-estimate").textContent).toContain("$0.0023 at most"));
    await fireEvent.click(screen.getByTestId("pg-format"));
    await fireEvent.click(await find("format-json_schema"));
    await type("field-schema", "{ no");
    expect(screen.getByTestId("pg-run").hasAttribute("disabled")).toBe(true);
    await type("field-schema", '{ "type": "object" }');
    await fireEvent.click(screen.getByTestId("pg-shape-done"));
    await fireEvent.click(screen.getByTestId("pg-attach"));
    expect((await find("pg-attachment")).textContent).toContain("bars.csv64 lines");
    await send("What is the read?");
    await waitFor(() => expect(calls(engine, "playground_run")).toHaveLength(1));
    expect(calls(engine, "playground_run")[0]?.args["request"]).toMatchObject({
      response_format: { type: "json_schema", name: "answer", schema: { type: "object" } },
      attachment: "/home/ana/bars.csv",
    });
    await fireEvent.click(screen.getByTestId("pg-detach"));
    expect(await find("pg-attach")).toBeTruthy();
  });

  it("says when a cost is not known", async () => {
    await open("#/playground");
    await find("pg-target");
    await waitFor(() => expect(screen.getByTestId("pg-target").dataset["value"]).toContain("gpt-5-mini"));
    await type("pg-target", "llama3.3");
    await fireEvent.keyDown(screen.getByTestId("pg-target"), { key: "Enter" });
    await send("Hello");
    await waitFor(() => expect(screen.getByTestId("pg-cost").textContent).toBe("unknown"), { timeout: 4000 });
  });

  it("stops on Esc and keeps what came before", async () => {
    const engine = await open("#/playground", "hold");
    await send("A long one");
    await waitFor(() => expect(screen.getByTestId("pg-answer").textContent).toContain("Read"), { timeout: 4000 });
    await fireEvent.keyDown(window, { key: "Escape" });
    expect((await find("pg-error")).textContent).toContain("Stopped by you");
    expect(calls(engine, "playground_stop")).toHaveLength(1);
    expect(screen.getByTestId("pg-answer").textContent).toContain("Read");
    expect(await find("pg-run")).toBeTruthy();
  });

  it("keeps the partial answer of a failure, and leads to its connection", async () => {
    await open("#/playground");
    await send("please fail");
    expect((await find("pg-error")).textContent).toContain("closed the stream");
    expect(screen.getByTestId("pg-answer").textContent).toContain("Read: long bias");
    await fireEvent.click(screen.getByTestId("pg-open-connection"));
    await waitFor(() => expect(location.hash).toBe("#/connections/conn_openai_main"));
  });

  it("compares two, and brings a prompt of the session back", async () => {
    const engine = await open("#/playground");
    await send("First prompt");
    await waitFor(() => expect(screen.getByTestId("pg-cost").textContent).toContain("$"), { timeout: 4000 });
    await fireEvent.click(screen.getByTestId("pg-columns-two"));
    await send("Second prompt");
    await waitFor(() => expect(screen.getByTestId("pg-cost-b").textContent).toContain("$"), { timeout: 4000 });
    const models = calls(engine, "playground_run").map(({ args }) => (args["request"] as { model: string }).model);
    expect(models).toEqual(["conn_openai_main/gpt-5-mini", "conn_openai_main/gpt-5-mini", "conn_openai_main/gpt-5"]);
    // jsdom's window is narrow: the history opens over the columns.
    await fireEvent.click(screen.getByTestId("pg-past"));
    await fireEvent.click(await screen.findByText("First prompt"));
    expect(screen.getByTestId<HTMLTextAreaElement>("pg-prompt").value).toBe("First prompt");
    expect(screen.queryByTestId("pg-target-b")).toBeNull();
  });
});
