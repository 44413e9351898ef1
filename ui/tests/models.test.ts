// Providers & models on the fixture engine: what a user does, and what reaches the backend.
import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import { calls, find, opener } from "./fixtures/open";

const open = opener({ width: 1080, height: 500, row: 33 });

const type = async (id: string, value: string) => fireEvent.input(await find(id), { target: { value } });
const choose = async (id: string, value: string) => fireEvent.change(await find(id), { target: { value } });
const press = (key: string, code = `Key${key.toUpperCase()}`, more = {}) =>
  fireEvent.keyDown(document.activeElement ?? window, { key, code, ...more });
const rows = () => [...document.querySelectorAll<HTMLElement>("tr[data-key]")].map((row) => row.dataset["key"]);

describe("the catalogue", () => {
  it("opens by G M and lists what the connections have, the most used first", async () => {
    await open("#/connections");
    await find("conn-conn_openai_main");
    await press("g");
    await press("m");
    const row = await find("model-openai/gpt-5-mini");
    expect(within(row).getByText("$0.25")).toBeTruthy();
    expect(within(row).getByText("400K")).toBeTruthy();
    expect(within(row).getByText("$0.49")).toBeTruthy();
    expect(rows()[0]).toBe("openai/gpt-5-mini");
    expect(rows()).not.toContain("xai/grok-4");
    expect(screen.getByTestId("models-count").textContent).toBe("10 of 10");
  });

  it("shows providers with their state and figures, and opens one", async () => {
    await open("#/models");
    expect((await find("provider-state-openrouter")).textContent).toBe("Failing");
    expect((await find("provider-openai")).textContent).toContain("2 connections");
    await fireEvent.click(screen.getByTestId("provider-openai"));
    expect((await find("provider-detail")).textContent).toContain("Comes with Patchbay");
  });

  it("filters by chips, which stand in the address", async () => {
    const engine = await open("#/models");
    await find("model-openai/gpt-5");
    await fireEvent.click(screen.getByTestId("models-can-images"));
    await choose("models-price", "3");
    await choose("models-context", "1000000");
    await waitFor(() => expect(rows()).toEqual(["gemini/gemini-2.5-flash", "openai/gpt-4.1"]));
    expect(location.hash).toBe("#/models?can=images&price=3&context=1000000");
    expect(calls(engine, "models").at(-1)?.args["query"]).toMatchObject({
      scope: "connected",
      capabilities: ["images"],
      max_input: "3",
      min_context: 1_000_000,
    });
  });

  it("proposes the nearest names where nothing matches", async () => {
    await open("#/models?q=gpt5");
    await fireEvent.click(await find("nearest-gpt-5"));
    await find("model-openai/gpt-5");
    expect(location.hash).toBe("#/models?q=gpt-5");
  });

  it("sorts by a heading, the other way round at the second press", async () => {
    await open("#/models");
    await find("model-openai/gpt-5");
    await fireEvent.click(screen.getByTestId("sort-input"));
    await waitFor(() => expect(rows()[0]).toBe("ollama/llama3.3"));
    expect(screen.getByTestId("sort-input").closest("th")?.getAttribute("aria-sort")).toBe("ascending");
    await fireEvent.click(screen.getByTestId("sort-input"));
    await waitFor(() => expect(rows().at(-1)).toBe("ollama/llama3.3"));
    expect(screen.getByTestId("sort-input").closest("th")?.getAttribute("aria-sort")).toBe("descending");
  });

  it("draws only the part of a long list that is in view, and J K and End reach the rest", async () => {
    const engine = await open("#/models", "many");
    await find("model-openai/gpt-5-mini");
    expect(screen.getByTestId("models-count").textContent).toBe("1,210 of 1,210");
    expect(rows().length).toBeLessThan(60);
    expect(screen.getByRole("grid", { name: "Models" }).getAttribute("aria-rowcount")).toBe("1211");
    await press("End", "End");
    await waitFor(() => expect(document.activeElement?.getAttribute("aria-rowindex")).toBe("1211"));
    await press("k");
    await waitFor(() => expect(document.activeElement?.getAttribute("aria-rowindex")).toBe("1210"));
    expect(rows().length).toBeLessThan(60);
    await press("Home", "Home");
    await waitFor(() => expect(document.activeElement?.getAttribute("data-key")).toBe("openai/gpt-5-mini"));
    expect(calls(engine, "models")).toHaveLength(1);
  });

  it("pins by key, and shows the pinned alone", async () => {
    const engine = await open("#/models");
    await find("model-openai/gpt-5");
    await press("j");
    await waitFor(() => expect(document.activeElement?.getAttribute("data-key")).toBe("openai/gpt-5-mini"));
    await press("j");
    await waitFor(() => expect(document.activeElement?.getAttribute("data-key")).toBe("gemini/gemini-2.5-flash"));
    await press("p");
    await waitFor(() =>
      expect(calls(engine, "model_pin")[0]?.args).toEqual({ id: "gemini/gemini-2.5-flash", pinned: true }),
    );
    await choose("models-show", "pinned");
    await waitFor(() => expect(rows()).toEqual(["openai/gpt-5-mini", "gemini/gemini-2.5-flash"]));
  });

  it("allows a model, and Undo takes it back", async () => {
    const engine = await open("#/models");
    await fireEvent.click(await find("allow-openrouter/qwen/qwen3-235b-a22b"));
    expect((await find("state-openrouter/qwen/qwen3-235b-a22b")).textContent).toBe("Ready");
    await fireEvent.click(await find("toast-action"));
    await find("allow-openrouter/qwen/qwen3-235b-a22b");
    expect(calls(engine, "model_allow").map(({ args }) => args["allowed"])).toEqual([true, false]);
  });

  it("compares up to four, by X and Shift X", async () => {
    const engine = await open("#/models");
    await find("model-openai/gpt-5");
    for (let at = 0; at < 5; at += 1) {
      await press("j");
      await waitFor(() => expect(document.activeElement?.getAttribute("aria-rowindex")).toBe(String(at + 2)));
      await press("x");
    }
    expect((await find("toast-text")).textContent).toContain("4 models at most");
    await press("X", "KeyX", { shiftKey: true });
    await find("compare-dialog");
    await waitFor(() => expect(screen.getAllByTestId("compared-openai/gpt-5-mini").length).toBeGreaterThan(5));
    expect(calls(engine, "model_compare")[0]?.args["ids"]).toHaveLength(4);
  });

  it("says what to do where there is no connection", async () => {
    await open("#/models", "empty");
    await find("models-empty");
    await fireEvent.click(screen.getByTestId("models-every"));
    await find("connect-xai/grok-4");
    await fireEvent.click(screen.getByTestId("connect-xai/grok-4"));
    await find("add-dialog");
  });

  it("shows an error with Retry, and keeps the frame", async () => {
    const engine = await open("#/models", "broken");
    await find("error-note");
    const before = calls(engine, "models").length;
    await fireEvent.click(screen.getByText("Retry"));
    await waitFor(() => expect(calls(engine, "models").length).toBeGreaterThan(before));
  });
});

describe("a model", () => {
  it("tells its prices, who can reach it, what relies on it and where else it is", async () => {
    const engine = await open("#/models/openai%2Fgpt-5");
    expect((await find("price-bundled")).textContent).toContain("$1.25 in, $10.00 out, $0.125 cached");
    expect((await find("allow-conn_openai_main")).getAttribute("aria-checked")).toBe("true");
    await find("elsewhere-openrouter/openai/gpt-5");
    await fireEvent.click(screen.getByTestId("allow-conn_openai_spare"));
    await waitFor(() =>
      expect(calls(engine, "model_allow")[0]?.args).toEqual({
        connection: "conn_openai_spare",
        model: "gpt-5",
        allowed: false,
      }),
    );
  });

  it("opens the playground with it picked", async () => {
    await open("#/models/openai%2Fgpt-5");
    await fireEvent.click(await find("model-play"));
    await waitFor(() => expect(location.hash).toBe("#/playground"));
    expect((await find("pg-target")).dataset["value"]).toBe("conn_openai_main/gpt-5");
  });

  it("m3_a_model_that_is_gone_names_who_relies_on_it_and_what_is_near", async () => {
    await open("#/models/anthropic%2Fclaude-3-haiku");
    const ending = await find("ending");
    expect(ending.textContent).toContain("does not list it any more");
    expect(ending.textContent).toContain("default model of conn_claude_main");
    await find("replacement-claude-haiku-4-5");
    expect((await find("state-anthropic/claude-3-haiku")).textContent).toBe("Gone");
  });

  it("gives the focus back to its row when it closes", async () => {
    await open("#/models/openai%2Fgpt-5");
    await find("model-detail");
    await find("model-openai/gpt-5");
    await press("Escape", "Escape");
    await waitFor(() => expect(screen.queryByTestId("model-detail")).toBeNull());
    await waitFor(() => expect(document.activeElement?.getAttribute("data-key")).toBe("openai/gpt-5"));
  });
});

describe("prices", () => {
  it("c2_an_unpriced_model_is_named_and_its_editor_opens_with_it", async () => {
    const engine = await open("#/models");
    expect((await find("unpriced")).textContent).toContain("214 attempts of the last 30 days");
    await fireEvent.click(screen.getByTestId("set-price-mistral/magistral-next"));
    expect((await find("price-dialog")).textContent).toContain("Price of magistral-next");
    await type("price-input", "0.50");
    await fireEvent.click(screen.getByTestId("price-save"));
    expect((await screen.findByText("Dollars, like 0.15; 0 is free")).getAttribute("role")).toBe("alert");
    expect(calls(engine, "price_set")).toHaveLength(0);
    await type("price-output", "$1,5");
    await fireEvent.keyDown(screen.getByTestId("price-output"), { key: "Enter" });
    await waitFor(() => expect(screen.queryByTestId("price-dialog")).toBeNull());
    expect(calls(engine, "price_set")[0]?.args["draft"]).toEqual({
      provider: "mistral",
      model: "magistral-next",
      effective_from: null,
      tiers: [{ above_tokens: null, input: "0.50", output: "1.5", cached: null, cache_write: null }],
    });
    await waitFor(() => expect(screen.queryByTestId("unpriced")).toBeNull());
    expect((await find("input-mistral/magistral-next")).textContent).toContain("Yours");
  });

  it("begin with what counts now, from a day in the trader's zone on, with a tier; and can be removed", async () => {
    const engine = await open("#/models/openai%2Fgpt-5");
    await fireEvent.click(await find("model-price"));
    await waitFor(() => expect(screen.getByTestId<HTMLInputElement>("price-input").value).toBe("1.25"));
    await fireEvent.click(screen.getByTestId("price-longer"));
    await type("price-above-1", "200,000");
    await type("price-input-1", "2.50");
    await type("price-output-1", "15");
    await type("price-from", "2026-12-01");
    await fireEvent.click(screen.getByTestId("price-save"));
    await waitFor(() => expect(calls(engine, "price_set")).toHaveLength(1));
    expect(calls(engine, "price_set")[0]?.args["draft"]).toMatchObject({
      effective_from: Date.UTC(2026, 11, 1, 5),
      tiers: [
        { above_tokens: null, input: "1.25", cached: "0.125" },
        { above_tokens: 200_000, output: "15" },
      ],
    });
    expect((await find("price-user")).textContent).toContain("Yours");
    await fireEvent.click(screen.getByTestId("price-remove"));
    await waitFor(() => expect(screen.queryByTestId("price-user")).toBeNull());
    expect(calls(engine, "price_unset")[0]?.args).toMatchObject({ provider: "openai", model: "gpt-5" });
  });
});

describe("lists", () => {
  const update = async () => {
    const button = await find("sync-all");
    await waitFor(() => expect(button.hasAttribute("disabled")).toBe(false));
    await fireEvent.click(button);
  };

  it("that are stale are named, and read again", async () => {
    const engine = await open("#/models", "stale");
    await waitFor(() => expect(screen.getByTestId("stale").textContent).toContain("OpenAI, Google Gemini"));
    await fireEvent.click(screen.getByTestId("stale-update"));
    await waitFor(() =>
      expect(calls(engine, "models_sync").map(({ args }) => args["provider"])).toEqual(["openai", "gemini"]),
    );
  });

  it("are read for every provider with a connection, and say what was gone and what failed", async () => {
    const engine = await open("#/models");
    await update();
    const trouble = await find("sync-trouble");
    expect(trouble.textContent).toContain("OpenRouter does not accept the key. Replace the key.");
    expect((await find("affected")).textContent).toContain("was default model of conn_claude_main");
    const connected = new Set(engine.state.connections.map(({ provider }) => provider));
    expect(new Set(calls(engine, "models_sync").map(({ args }) => args["provider"]))).toEqual(connected);
    await fireEvent.click(screen.getByTestId("show-gone"));
    await waitFor(() => expect(rows()).toEqual(["anthropic/claude-3-haiku"]));
  });

  it("can be stopped, which changes nothing", async () => {
    const engine = await open("#/models", "hold");
    await update();
    expect((await find("sync-progress")).textContent).toMatch(/Reading lists, 0 of \d/);
    await fireEvent.click(screen.getByTestId("sync-stop"));
    expect((await find("toast-text")).textContent).toBe("Stopped. Nothing has changed");
    expect(calls(engine, "models_sync_stop")).toHaveLength(1);
    expect(calls(engine, "models_sync").length).toBeLessThanOrEqual(4);
  });

  it("are read for one provider alone", async () => {
    const engine = await open("#/models/openai");
    await fireEvent.click(await find("provider-sync"));
    expect((await find("toast-text")).textContent).toContain("Read 1 list: 12 models, 1 new, 0 gone");
    expect(calls(engine, "models_sync").map(({ args }) => args["provider"])).toEqual(["openai"]);
  });
});

describe("providers", () => {
  it("of one's own are added, edited and removed", async () => {
    const engine = await open("#/models");
    await fireEvent.click(await find("add-provider"));
    await fireEvent.click(await find("new-provider-save"));
    expect(await screen.findByText("Give it a name")).toBeTruthy();
    await type("new-provider-name", "OpenAI");
    await type("new-provider-url", "10.0.0.7:8000/v1");
    await fireEvent.click(screen.getByTestId("new-provider-save"));
    expect(await screen.findByText(/Start the URL with https/)).toBeTruthy();
    await type("new-provider-url", "https://gpu.example.com/v1");
    await type("new-provider-models", "qwen3-32b\nqwen3-8b, qwen3-8b");
    await fireEvent.click(screen.getByTestId("new-provider-save"));
    expect(await screen.findByText("Another provider is called OpenAI")).toBeTruthy();
    await type("new-provider-name", "Desk GPU");
    await fireEvent.keyDown(window, { key: "Enter", ctrlKey: true });
    expect((await find("provider-detail")).textContent).toContain("Your own");
    expect(calls(engine, "provider_add").at(-1)?.args["draft"]).toMatchObject({
      name: "Desk GPU",
      base_url: "https://gpu.example.com/v1",
      key: "optional",
      supported_models: ["qwen3-32b", "qwen3-8b"],
    });

    await type("provider-base_url", "nonsense");
    await fireEvent.blur(screen.getByTestId("provider-base_url"));
    expect(await screen.findByText(/That is no URL. Start it with/)).toBeTruthy();
    expect(screen.getByTestId("provider-saves").textContent).toContain("Not saved");

    await fireEvent.click(screen.getByTestId("provider-remove"));
    expect(document.activeElement).toBe(screen.getByTestId("remove-provider-cancel"));
    await fireEvent.click(screen.getByTestId("remove-provider-go"));
    await waitFor(() => expect(screen.queryByTestId("provider-detail")).toBeNull());
    expect(calls(engine, "provider_remove")[0]?.args).toEqual({ slug: "desk_gpu", reassignTo: null });
  });

  it("m6_one_in_use_is_refused_with_a_reason_and_another_may_take_over", async () => {
    const engine = await open("#/models");
    await find("model-openai/gpt-5");
    engine.state.providers = engine.state.providers.map((one) =>
      one.slug === "groq" ? { ...one, built_in: false } : one,
    );
    engine.changed("models");
    await fireEvent.click(await find("provider-groq"));
    await fireEvent.click(await find("provider-remove"));
    await fireEvent.click(screen.getByTestId("remove-provider-go"));
    expect((await find("remove-provider-error")).textContent).toContain("use it");
    await choose("remove-provider-heir", "other");
    await fireEvent.click(screen.getByTestId("remove-provider-go"));
    await waitFor(() =>
      expect(calls(engine, "provider_remove").at(-1)?.args).toEqual({ slug: "groq", reassignTo: "other" }),
    );
    await waitFor(() => expect(screen.queryByTestId("provider-detail")).toBeNull());
  });

  it("that come with Patchbay take status, limits and supported models only", async () => {
    const engine = await open("#/models/openai");
    await choose("provider-status", "maintenance");
    await waitFor(() => expect(screen.getByTestId("provider-state").textContent).toBe("Maintenance"));
    await type("provider-concurrent", "0");
    await fireEvent.blur(screen.getByTestId("provider-concurrent"));
    expect(await screen.findByText(/A whole number from 1 to 10,000/)).toBeTruthy();
    await type("provider-concurrent", "8");
    await fireEvent.keyDown(screen.getByTestId("provider-concurrent"), { key: "Enter" });
    await waitFor(() =>
      expect(calls(engine, "provider_edit").at(-1)?.args["edit"]).toEqual({
        field: "max_concurrent_requests",
        value: 8,
      }),
    );
    expect(screen.queryByTestId("provider-base_url")).toBeNull();
    expect(screen.queryByTestId("provider-remove")).toBeNull();
  });

  it("and models are found by the palette", async () => {
    await open("#/connections");
    await find("conn-conn_openai_main");
    await fireEvent.keyDown(window, { key: "k", code: "KeyK", ctrlKey: true });
    await type("palette-input", "deepseek chat");
    await screen.findByText("Models");
    await fireEvent.keyDown(screen.getByTestId("palette-input"), { key: "Enter" });
    await waitFor(() => expect(location.hash).toBe("#/models/openrouter%2Fdeepseek%2Fdeepseek-chat-v3.1"));
  });
});
