// The whole window on the fixture engine: what a user does, and what reaches the backend.
import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import { calls, find, open } from "./fixtures/open";

describe("the frame", () => {
  it("opens on the last screen and shows the gateway", async () => {
    await open("");
    const nav = await find("nav-connections");
    await waitFor(() => expect(nav.getAttribute("aria-current")).toBe("page"));
    expect((await find("status-gateway")).textContent).toContain("Gateway listening");
    expect((await find("status-failing")).textContent).toContain("1 connection failing");
  });

  it("says why it cannot open, and tries again", async () => {
    const engine = await open("", "newer");
    const problem = await find("problem");
    expect(problem.dataset["code"]).toBe("database_newer");
    await fireEvent.click(screen.getByTestId("problem-retry"));
    await waitFor(() => expect(calls(engine, "bootstrap")).toHaveLength(2));
  });

  it("asks before it stops traffic, with the focus on Cancel, and resumes", async () => {
    const engine = await open("#/connections");
    await fireEvent.click(await find("kill"));
    expect(document.activeElement).toBe(screen.getByTestId("stop-traffic-cancel"));
    await fireEvent.click(screen.getByTestId("stop-traffic-go"));
    await find("stopped-note");
    expect(calls(engine, "traffic_stop")).toHaveLength(1);
    await fireEvent.click(screen.getByTestId("resume"));
    await waitFor(() => expect(screen.queryByTestId("stopped-note")).toBeNull());
  });

  it("marks sample data and clears it", async () => {
    const engine = await open("#/connections", "sample");
    await fireEvent.click(await find("sample-data-clear"));
    await waitFor(() => expect(screen.queryByTestId("sample-data")).toBeNull());
    expect(calls(engine, "demo_clear")).toHaveLength(1);
  });

  it("warns about a locked keychain", async () => {
    await open("#/connections", "locked");
    expect((await find("vault-note")).textContent).toContain("The keychain is locked");
  });

  it("runs an action from the palette", async () => {
    await open("#/connections");
    await find("conn-conn_openai_main");
    await fireEvent.keyDown(window, { key: "k", code: "KeyK", ctrlKey: true });
    const input = await find("palette-input");
    await fireEvent.input(input, { target: { value: "open settings" } });
    await fireEvent.keyDown(input, { key: "Enter" });
    await waitFor(() => expect(location.hash).toBe("#/settings"));
  });

  it("goes by G and a letter, but not while somebody types", async () => {
    await open("#/connections");
    const filter = await find("filter-text");
    await fireEvent.keyDown(filter, { key: "g", code: "KeyG" });
    await fireEvent.keyDown(filter, { key: "s", code: "KeyS" });
    expect(location.hash).toContain("connections");
    await fireEvent.keyDown(window, { key: "g", code: "KeyG" });
    await fireEvent.keyDown(window, { key: "s", code: "KeyS" });
    await waitFor(() => expect(location.hash).toBe("#/settings"));
  });
});

describe("connections", () => {
  it("switch off at once", async () => {
    const engine = await open("#/connections");
    await fireEvent.click(await find("switch-conn_openai_main"));
    expect((await find("health-conn_openai_main")).textContent).toBe("Off");
    await waitFor(() => expect(calls(engine, "connection_pause")[0]?.args).toEqual({ key: "conn_openai_main" }));
  });

  it("reorder by Alt and arrows, and Undo takes it back", async () => {
    const engine = await open("#/connections");
    const row = await find("conn-conn_openai_main");
    await fireEvent.keyDown(row, { key: "ArrowDown", altKey: true });
    await waitFor(() => expect(calls(engine, "connection_reorder")).toHaveLength(1));
    expect(calls(engine, "connection_reorder")[0]?.args).toEqual({ keys: ["conn_openai_spare", "conn_openai_main"] });
    expect((await find("toast-text")).textContent).toBe("OpenAI primary, now second of 2");
    await fireEvent.click(screen.getByTestId("toast-action"));
    await waitFor(() => expect(calls(engine, "connection_reorder")).toHaveLength(2));
    expect(calls(engine, "connection_reorder")[1]?.args).toEqual({ keys: ["conn_openai_main", "conn_openai_spare"] });
  });

  it("save a field when it is left, and show what the backend has against it", async () => {
    const engine = await open("#/connections/conn_openai_main");
    const name = await find("set-name");
    await fireEvent.input(name, { target: { value: "Claude strategy" } });
    await fireEvent.blur(name);
    expect((await screen.findByText(/Another connection is called Claude strategy/)).getAttribute("role")).toBe(
      "alert",
    );
    expect(screen.getByTestId("save-state").textContent).toContain("Not saved");
    await fireEvent.input(name, { target: { value: "OpenAI desk" } });
    await fireEvent.keyDown(name, { key: "Enter" });
    await waitFor(() => expect(screen.getByTestId("save-state").textContent).toContain("All changes saved"));
    expect(engine.state.connections[0]?.name).toBe("OpenAI desk");
  });

  it("show the stages and the remedies of a failing test, and each remedy works", async () => {
    await open("#/connections/conn_openrouter?tab=test");
    await fireEvent.click(await find("detail-test"));
    await waitFor(() => expect(screen.queryByTestId("test-running")).toBeNull());
    const auth = within(await find("stage-auth"));
    expect(auth.getByText("Failed")).toBeTruthy();
    await fireEvent.click(screen.getByTestId("remedy-replace_key"));
    await find("key-go");
    await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId("key-secret")));
  });

  it("test all in one go of the engine's, and say how it went", async () => {
    const engine = await open("#/connections");
    await find("conn-conn_openai_main");
    await fireEvent.click(screen.getByTestId("test-all"));
    expect((await screen.findByText(/Tested 9: 8 passed, 1 failed/, {}, { timeout: 4000 })).textContent).toBeTruthy();
    const rounds = calls(engine, "connections_test");
    expect(rounds.map(({ args }) => [args["spend"], (args["keys"] as string[]).length])).toEqual([["allowed", 9]]);
    expect(calls(engine, "connection_test")).toHaveLength(0);
  });

  it("say what filters hide, and clear them", async () => {
    await open("#/connections?q=nothing");
    await find("filtered-none");
    await fireEvent.click(screen.getByText("Clear filters"));
    await find("conn-conn_openai_main");
    expect(location.hash).toBe("#/connections");
  });

  it("are deleted only after a question", async () => {
    const engine = await open("#/connections/conn_openai_main");
    await fireEvent.click(await find("delete"));
    await fireEvent.click(screen.getByTestId("remove-cancel"));
    expect(calls(engine, "connection_remove")).toHaveLength(0);
    await fireEvent.click(screen.getByTestId("delete"));
    await fireEvent.click(screen.getByTestId("remove-go"));
    await waitFor(() => expect(screen.queryByTestId("conn-conn_openai_main")).toBeNull());
    await fireEvent.click(await find("toast-action"));
    await find("conn-conn_openai_main");
    expect(calls(engine, "connection_undo_remove")[0]?.args).toEqual({ key: "conn_openai_main" });
  });

  it("are deleted with an heir for what uses them", async () => {
    const engine = await open("#/connections/conn_claude_main");
    await fireEvent.click(await find("delete"));
    expect((await find("remove")).textContent).toContain("Claude strategy");
    expect((await find("remove-users")).textContent?.replace(/\s+/g, " ")).toContain(
      "The profile signals, the alias claude and its budget per day lead to it",
    );
    await fireEvent.change(await find("remove-heir"), { target: { value: "conn_openai_main" } });
    expect((await find("remove-handovers")).textContent).toContain("conn_openai_main/gpt-5-mini");
    await fireEvent.click(screen.getByTestId("remove-go"));
    await waitFor(() =>
      expect(calls(engine, "connection_remove")[0]?.args).toEqual({
        key: "conn_claude_main",
        reassignTo: "conn_openai_main",
      }),
    );
    // The list shows what is left only once everything is done.
    await waitFor(() => expect(screen.queryByTestId("remove-go")).toBeNull());
    await waitFor(() => expect(screen.queryByTestId("conn-conn_claude_main")).toBeNull());
  });

  it("are copied without their key, and stopped until they are turned on", async () => {
    const engine = await open("#/connections/conn_openai_main?tab=settings");
    await fireEvent.click(await find("set-stopped"));
    await waitFor(() => expect(screen.getByTestId("detail-health").textContent).toContain("Stopped"));
    expect(screen.getByTestId("switch-conn_openai_main").getAttribute("aria-checked")).toBe("false");
    await fireEvent.click(screen.getByTestId("set-stopped"));
    await waitFor(() => expect(calls(engine, "connection_enable")).toHaveLength(1));
    await fireEvent.click(screen.getByTestId("duplicate"));
    await find("conn-conn_openai_main_copy");
    await waitFor(() => expect(location.hash).toContain("conn_openai_main_copy"));
  });

  it("take headers, of which a secret one is not shown again", async () => {
    const engine = await open("#/connections/conn_openai_main");
    await fireEvent.click(await find("header-add"));
    await fireEvent.input(await find("header-name"), { target: { value: "x-desk-token" } });
    await fireEvent.click(screen.getByTestId("header-secret"));
    await fireEvent.input(await find("header-value"), { target: { value: "hush-hush-hush" } });
    await fireEvent.click(screen.getByTestId("header-save"));
    const row = await find("header-x-desk-token");
    expect(row.textContent).toContain("In your keychain");
    expect(document.body.innerHTML).not.toContain("hush-hush-hush");
    await fireEvent.click(screen.getByTestId("header-edit-x-desk-token"));
    await fireEvent.keyDown(await find("header-value"), { key: "Enter" });
    await waitFor(() => expect(screen.queryByTestId("header-value")).toBeNull());
    await fireEvent.click(screen.getByTestId("header-remove-x-desk-token"));
    await waitFor(() => expect(screen.queryByTestId("header-x-desk-token")).toBeNull());
    const edits = calls(engine, "connection_edit").map(({ args }) => (args["edit"] as { field: string }).field);
    expect(edits, "K5: blank keeps").toEqual(["secret_header", "secret_header"]);
  });

  it("show an error of the list with Retry", async () => {
    const engine = await open("#/connections", "broken");
    await find("error-note");
    const before = calls(engine, "connections").length;
    await fireEvent.click(screen.getByText("Retry"));
    await waitFor(() => expect(calls(engine, "connections").length).toBeGreaterThan(before));
  });
});

describe("import", () => {
  it("tells what a file would make before anything is made, and makes what is chosen", async () => {
    const engine = await open("#/connections");
    await fireEvent.click(await find("import"));
    const path = await find("import-path");
    await fireEvent.input(path, { target: { value: "/home/me/bot/.env" } });
    await fireEvent.click(screen.getByTestId("import-look"));
    const clashing = await find<HTMLInputElement>("import-OPENAI_API_KEY");
    const own = screen.getByTestId<HTMLInputElement>("import-DESK_OPENAI_API_KEY");
    expect([own.checked, clashing.checked]).toEqual([true, false]);
    expect((await find("import-plan")).textContent).toContain("key from DESK_OPENAI_API_KEY");
    await fireEvent.blur(path);
    expect(calls(engine, "import_plan"), "going on to the plan does not take it away").toHaveLength(1);
    expect(screen.getByTestId("import-skipped").textContent).toContain("BINANCE_API_KEY");
    expect(calls(engine, "import_apply")).toHaveLength(0);
    await fireEvent.click(screen.getByTestId("import-go"));
    await find("conn-openai_desk");
    expect(calls(engine, "import_apply")[0]?.args["chosen"]).toEqual(["DESK_OPENAI_API_KEY"]);
  });

  it("asks for the passphrase of a sealed file, and says what is wrong with another", async () => {
    await open("#/connections");
    await fireEvent.click(await find("import"));
    await fireEvent.click(await find("import-path-choose"));
    await find("import-plan");
    expect(screen.getByTestId<HTMLInputElement>("import-path").value).toBe("/home/ana/import.env");
    await fireEvent.input(await find("import-path"), { target: { value: "/nowhere" } });
    await fireEvent.click(screen.getByTestId("import-look"));
    expect((await find("error-note")).textContent).toContain("No such file");
    await fireEvent.input(screen.getByTestId("import-path"), { target: { value: "/home/me/desk.age" } });
    await fireEvent.click(screen.getByTestId("import-look"));
    await fireEvent.input(await find("import-passphrase"), { target: { value: "battery staple" } });
    await fireEvent.click(screen.getByTestId("import-look"));
    await find("import-DESK_OPENAI_API_KEY");
  });

  it("offers what runs on this machine where there is no connection yet", async () => {
    const engine = await open("#/connections", "empty");
    expect((await find("found-here")).textContent).toContain("Ollama is running");
    expect(screen.getByTestId("found-here").textContent).toContain("6 models");
    await fireEvent.click(screen.getByTestId("found-add-Ollama"));
    await waitFor(() => expect(calls(engine, "import_apply")[0]?.args["chosen"]).toEqual(["Ollama"]));
  });
});

describe("add connection", () => {
  const fill = async (secret: string, name = "Night desk") => {
    await fireEvent.click(await find("add-connection"));
    await fireEvent.click(await find("add-provider-anthropic"));
    await fireEvent.input(await find("add-name"), { target: { value: name } });
    await fireEvent.input(await find("add-secret"), { target: { value: secret } });
  };

  it("checks the shape of the key before anything is sent", async () => {
    const engine = await open("#/connections");
    await fill("ghp_wrong_key_of_another");
    await fireEvent.click(screen.getByTestId("add-test-save"));
    expect(await screen.findByText("Anthropic keys start with sk-ant-")).toBeTruthy();
    expect(calls(engine, "connection_add_tested")).toHaveLength(0);
  });

  it("keeps the typed key and offers remedies when the test fails", async () => {
    await open("#/connections");
    await fill("sk-ant-bad-0123456789");
    await fireEvent.click(screen.getByTestId("add-test-save"));
    expect((await find("add-report")).dataset["verdict"]).toBe("failed");
    expect(screen.getByTestId<HTMLInputElement>("add-secret").value).toBe("sk-ant-bad-0123456789");
    await fireEvent.click(screen.getByTestId("remedy-replace_key"));
    expect(document.activeElement).toBe(screen.getByTestId("add-secret"));
  });

  it("saves, closes and opens what it saved when all stages pass", async () => {
    const engine = await open("#/connections");
    await fill("sk-ant-good-0123456789");
    await fireEvent.click(screen.getByTestId("add-test-save"));
    await find("conn-conn_night_desk");
    await waitFor(() => expect(screen.queryByTestId("add-dialog")).toBeNull());
    expect(location.hash).toBe("#/connections/conn_night_desk");
    expect(calls(engine, "connection_add_tested")[0]?.args["draft"]).toMatchObject({
      provider: "anthropic",
      name: "Night desk",
      key: "conn_night_desk",
      base_url: null,
      secret: "sk-ant-good-0123456789",
    });
  });

  it("shows a taken name at the field", async () => {
    await open("#/connections");
    await fill("sk-ant-good-0123456789", "OpenAI primary");
    await fireEvent.click(screen.getByTestId("add-save-untested"));
    const message = await screen.findByText("Another connection is called OpenAI primary");
    expect(screen.getByTestId("add-name").getAttribute("aria-describedby")).toBe(message.id);
  });

  it("asks once before it throws input away", async () => {
    await open("#/connections");
    await fill("sk-ant-good-0123456789");
    await fireEvent.click(screen.getByTestId("add-cancel"));
    await fireEvent.click(await find("add-dialog-discard"));
    await waitFor(() => expect(screen.queryByTestId("add-dialog")).toBeNull());
  });
});

describe("apps", () => {
  it("show a new token once", async () => {
    await open("#/apps");
    await fireEvent.click(await find("add-app"));
    await fireEvent.input(await find("app-name"), { target: { value: "grid-bot" } });
    await fireEvent.click(screen.getByTestId("app-save"));
    expect(((await find("app-token")) as HTMLInputElement).value).toBe("pb_live_7Hc2Rk9vTq4WnZ0bMx4T");
    location.hash = "#/settings";
    await find("gateway-state");
    location.hash = "#/apps/grid-bot";
    await find("app-detail");
    expect(screen.queryByTestId("app-token")).toBeNull();
  });

  it("are revoked only after a question", async () => {
    const engine = await open("#/apps/news-digest");
    await fireEvent.click(await find("app-revoke"));
    await fireEvent.click(await find("revoke-go"));
    await waitFor(() => expect(screen.getByTestId("app-state").textContent).toBe("Revoked"));
    expect(calls(engine, "app_revoke")[0]?.args).toEqual({ name: "news-digest" });
  });
});

describe("settings", () => {
  it("apply the theme at once and save it", async () => {
    const engine = await open("#/settings");
    await fireEvent.click(await find("theme-light"));
    expect(document.documentElement.dataset["theme"]).toBe("light");
    await waitFor(() => expect(engine.state.preferences.theme).toBe("light"));
  });

  it("show a taken port at its field", async () => {
    await open("#/settings/gateway");
    await fireEvent.input(await find("gateway-port"), { target: { value: "4142" } });
    await fireEvent.click(screen.getByTestId("gateway-listen"));
    expect(await screen.findByText(/Port 4142 is taken by another program. Use 4143/)).toBeTruthy();
  });
});
