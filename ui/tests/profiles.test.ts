// Profiles on the fixture engine: what a user does, and what reaches the backend.
import { fireEvent, screen, waitFor } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import type { ProfileDraft } from "../src/backend";
import { calls, find, open, type Window } from "./fixtures/open";

const type = async (id: string, value: string) => fireEvent.input(await find(id), { target: { value } });
const saved = (engine: Window) => calls(engine, "profile_save").at(-1)?.args["draft"] as ProfileDraft | undefined;

describe("profiles", () => {
  it("are edited, counted and saved on top of the version that was seen", async () => {
    const engine = await open("#/profiles/signal-scan");
    expect(await find("profile-signal-scan")).toBeTruthy();
    expect((await find("save-profile")).hasAttribute("disabled")).toBe(true);
    await type("field-temperature", "0.7");
    await type("field-system_prompt", "Be brief.");
    expect((await find("unsaved")).textContent).toContain("2 unsaved changes");
    await fireEvent.click(await find("save-profile"));
    await waitFor(() => expect(calls(engine, "profile_save").at(-1)?.args["expected"]).toBe(2));
    expect(saved(engine)?.spec).toMatchObject({ temperature: 0.7, system_prompt: "Be brief.", max_tokens: 1000 });
    await waitFor(() => expect(screen.queryByTestId("unsaved")).toBeNull());
    expect((await find("versions")).textContent).toBe("version 3");
  });

  it("keep what is unsaved while another one is looked at, until it is discarded", async () => {
    await open("#/profiles/signal-scan");
    await type("field-temperature", "0.9");
    await fireEvent.click(await find("profile-risk-check"));
    await waitFor(() => expect(screen.queryByTestId("unsaved")).toBeNull());
    await fireEvent.click(await find("profile-signal-scan"));
    expect(await find("unsaved")).toBeTruthy();
    await fireEvent.click(await find("discard"));
    expect(((await find("field-temperature")) as HTMLInputElement).value).toBe("0.3");
  });

  it("say which model lacks a setting, and what a number may be", async () => {
    await open("#/profiles/signal-scan");
    expect((await find("hint-temperature")).textContent).toContain("gpt-5-mini does not take it.");
    await type("field-top_p", "7");
    expect((await screen.findByRole("alert")).textContent).toBe("0 to 1");
    expect((await find("save-profile")).hasAttribute("disabled")).toBe(true);
  });

  it("change their chain from the keyboard", async () => {
    const engine = await open("#/profiles/signal-scan");
    const first = await find("step-1");
    await fireEvent.keyDown(first, { key: "ArrowDown", altKey: true });
    await fireEvent.click(await find("save-profile"));
    await waitFor(() => expect(saved(engine)).toBeTruthy());
    expect(saved(engine)?.spec.targets.map(({ connection }) => connection)).toEqual([
      "conn_openai_spare",
      "conn_openai_main",
    ]);
  });

  it("tell when somebody else saved meanwhile, and lose nothing", async () => {
    await open("#/profiles/signal-scan", "moved-on");
    await type("field-temperature", "0.9");
    await fireEvent.click(await find("save-profile"));
    expect((await find("save-refused")).textContent).toContain("Version 3 was made meanwhile");
    expect(((await find("field-temperature")) as HTMLInputElement).value).toBe("0.9");
  });

  it("lose nothing to an older version that cannot be used again", async () => {
    await open("#/profiles/signal-scan", "moved-on");
    await type("field-temperature", "0.9");
    await fireEvent.click(await find("versions"));
    await fireEvent.click(await find("restore-1"));
    await screen.findByText("Version 1 asks for a connection that is gone.");
    expect(((await find("field-temperature")) as HTMLInputElement).value).toBe("0.9");
  });

  it("keep nothing of a deleted one for another of its name", async () => {
    await open("#/profiles/signal-scan");
    await type("field-temperature", "0.9");
    await find("unsaved");
    await fireEvent.click(await find("remove-profile"));
    const heir = screen.queryByTestId("heir");
    if (heir) await fireEvent.change(heir, { target: { value: "risk-check" } });
    await fireEvent.click(await find("profile-delete"));
    await waitFor(() => expect(screen.queryByTestId("profile-signal-scan")).toBeNull());
    expect((await find("toast-text")).textContent).toBe("signal-scan is gone");
    await fireEvent.click(await find("new-profile"));
    await type("profile-name", "signal-scan");
    await waitFor(async () => expect((await find("profile-create")).hasAttribute("disabled")).toBe(false));
    await fireEvent.click(await find("profile-create"));
    await waitFor(() => expect(screen.queryByTestId("new-profile-dialog")).toBeNull());
    expect((await find<HTMLInputElement>("field-temperature")).value).toBe("");
  });

  it("ask once before what was typed of a new one is thrown away", async () => {
    await open("#/profiles");
    await fireEvent.click(await find("new-profile"));
    await type("profile-name", "my-scan");
    await fireEvent(await find("new-profile-dialog"), new Event("cancel", { cancelable: true }));
    await fireEvent.click(await find("new-profile-dialog-discard"));
    await waitFor(() => expect(screen.queryByTestId("new-profile-dialog")).toBeNull());
  });

  it("start from a recipe, and show what is in force and what would happen in an outage", async () => {
    const engine = await open("#/profiles", "no-profiles");
    await fireEvent.click(await find("new-profile"));
    await fireEvent.click(await find("start-scan"));
    await type("profile-name", "my-scan");
    await waitFor(async () => expect((await find("profile-create")).hasAttribute("disabled")).toBe(false));
    await fireEvent.click(await find("profile-create"));
    await waitFor(() => expect(calls(engine, "profile_add")).toHaveLength(1));
    expect((calls(engine, "profile_add")[0]?.args["draft"] as ProfileDraft).spec).toMatchObject({ temperature: 0.3 });
    await fireEvent.click(await find("effective"));
    expect((await find("effective-timeout_s")).textContent).toContain("The connection");
    await fireEvent.click(screen.getByLabelText("Close"));
    await fireEvent.click(await find("drill"));
    await fireEvent.click(await find("drill-go"));
    expect((await find("drill-verdict")).textContent).toContain("1 name would have no home");
  });

  it("leave a drill in force only with consent, and tell of it on every screen until it ends", async () => {
    const engine = await open("#/profiles/signal-scan");
    await fireEvent.click(await find("drill"));
    await fireEvent.change(await find("drill-minutes"), { target: { value: "10" } });
    await fireEvent.click(await find("drill-start"));
    expect((await find("drill-confirm")).textContent).toContain("signal-scan");
    expect(screen.queryByTestId("drill-note")).toBeNull();
    await fireEvent.click(await find("drill-confirm-go"));
    expect((await find("drill-note")).textContent).toContain("OpenAI is pretended to be down, 10 minutes left");
    await waitFor(() => expect(screen.queryByTestId("drill-dialog")).toBeNull());
    expect(calls(engine, "drill_start").map(({ args }) => [args["minutes"], args["homeless"]])).toEqual([
      [10, "ask"],
      [10, "accept"],
    ]);
    location.hash = "#/usage";
    await fireEvent.click(await find("drill-end"));
    await waitFor(() => expect(screen.queryByTestId("drill-note")).toBeNull());
    expect(calls(engine, "drill_end")).toHaveLength(1);
  });
});
