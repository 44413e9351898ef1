// Keys in the window, on the fixture engine: versions, limits, the vault, copies.
import { fireEvent, screen, waitFor } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import type { CredentialVersion } from "../src/backend";
import { endOfDay, isoDay } from "../src/days";
import { story } from "../src/screens/connections/credentials/words";
import { calls, find, open } from "./fixtures/open";

const type = async (id: string, value: string) => fireEvent.input(await find(id), { target: { value } });
const reads = (id: string, text: string | RegExp) =>
  waitFor(() => expect(screen.getByTestId(id).textContent).toMatch(text), { timeout: 4000 });

describe("the versions of a key", () => {
  it("k2_stand_on_a_line_with_their_states_and_what_can_be_done", async () => {
    await open("#/connections/conn_openai_main?tab=credentials");
    await reads("version-state-3", "Live");
    await reads("version-state-4", "Standby");
    await reads("version-state-1", "Erased");
    await reads("version-story-3", /15,208 requests, last \d s ago/);
    await reads("version-story-4", "Takes over if version 3 is refused");
    await reads("reminder-in", "Reminder in 65 d.");
    expect(screen.queryByTestId("version-remove-1")).toBeNull();
    await find("version-rollback-2");
  });

  it("k2_a_rotation_tests_first_and_keeps_the_old_one_for_a_while", async () => {
    const engine = await open("#/connections/conn_openai_main?tab=credentials");
    await fireEvent.click(await find("keys-rotate"));
    await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId("key-secret")));
    await type("key-secret", "sk-proj-0123456789-GOOD");
    await fireEvent.click(screen.getByTestId("key-go"));
    expect((await find("key-outcome")).dataset["switched"]).toBe("true");
    await reads("version-state-5", "Live");
    await reads("version-state-3", "Retired");
    expect(calls(engine, "credential_rotate")[0]?.args).toMatchObject({ afterwards: "retire", spend: "allowed" });
    expect(screen.queryByTestId("key-form")).toBeNull();
    await fireEvent.click(await find("version-rollback-3"));
    await reads("version-state-3", "Live");
  });

  it("k2_a_key_that_fails_its_test_leaves_the_old_one_live", async () => {
    const engine = await open("#/connections/conn_openai_main?tab=credentials");
    await fireEvent.click(await find("keys-rotate"));
    await fireEvent.click(await find("key-afterwards-keep_as_standby"));
    await type("key-secret", "sk-proj-0123456789-bad");
    await fireEvent.click(screen.getByTestId("key-go"));
    const outcome = await find("key-outcome");
    expect(outcome.dataset["switched"]).toBe("false");
    expect(outcome.textContent).toContain("Version 5 is stored and not used. Version 3 is still live.");
    await reads("version-state-5", "Not in use yet");
    await fireEvent.click(screen.getByTestId("key-forget"));
    await reads("version-state-5", "Erased");
    expect(calls(engine, "credential_promote")).toHaveLength(0);
  });

  it("k3_a_standby_is_tested_before_it_waits", async () => {
    const engine = await open("#/connections/conn_openai_main?tab=credentials");
    await fireEvent.click(await find("keys-standby"));
    await type("key-secret", "sk-proj-0123456789-NEXT");
    await fireEvent.click(screen.getByTestId("key-go"));
    await reads("version-state-5", "Standby");
    expect(engine.calls.map(({ command }) => command).filter((name) => /^credential_/.test(name))).toEqual([
      "credential_stage",
      "credential_test",
      "credential_stand_by",
    ]);
  });

  it("k3_have_a_policy_and_an_end", async () => {
    const engine = await open("#/connections/conn_openai_main?tab=credentials");
    await fireEvent.change(await find("policy-remind"), { target: { value: "never" } });
    await waitFor(() => expect(calls(engine, "credential_set_policy")).toHaveLength(1));
    expect(calls(engine, "credential_set_policy")[0]?.args["policy"]).toEqual({
      remind_days: null,
      use_standby: true,
      erase_days: 7,
    });
    await fireEvent.click(screen.getByTestId("version-expiry-3"));
    await type("expiry-day", "2027-13-01");
    await fireEvent.click(screen.getByTestId("expiry-save"));
    expect(await screen.findByText("A day like 2027-03-31, or nothing")).toBeTruthy();
    await type("expiry-day", "2027-03-31");
    await fireEvent.click(screen.getByTestId("expiry-save"));
    await waitFor(() =>
      expect(calls(engine, "credential_set_expiry")[0]?.args["expiresAt"]).toBe(
        endOfDay("2027-03-31", "America/New_York"),
      ),
    );
  });

  it("k2_the_live_one_is_revoked_only_after_a_question", async () => {
    const engine = await open("#/connections/conn_openai_main?tab=credentials");
    await fireEvent.click(await find("version-revoke-3"));
    await fireEvent.click(await find("key-confirm-cancel"));
    expect(calls(engine, "credential_revoke")).toHaveLength(0);
    await fireEvent.click(screen.getByTestId("version-revoke-3"));
    await fireEvent.click(await find("key-confirm-go"));
    await reads("version-state-3", "Revoked");
    await reads("keys-rotate", "Add key");
  });

  it("k3_the_same_key_on_two_connections_is_told", async () => {
    await open("#/connections/conn_openai_spare?tab=credentials");
    await reads("keys-shared", "The same key is used by OpenAI primary");
  });

  it("k4_a_locked_keychain_is_not_a_missing_key_and_can_be_opened", async () => {
    const engine = await open("#/connections/conn_openai_main?tab=credentials", "locked");
    await fireEvent.click(await find("keys-unlock"));
    await fireEvent.click(await find("unlock-go"));
    await waitFor(() => expect(calls(engine, "vault_ask")).toHaveLength(1));
    await find("keys-where");
  });

  it("opens by R with the field for the new key", async () => {
    await open("#/connections/conn_openai_main");
    await find("conn-conn_openai_main");
    await fireEvent.keyDown(window, { key: "r", code: "KeyR" });
    await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId("key-secret")), { timeout: 4000 });
    expect(location.hash).toBe("#/connections/conn_openai_main?tab=credentials");
  });
});

describe("their words", () => {
  it("tell the end of a key's last day as that day", () => {
    const version: CredentialVersion = {
      version: 1,
      state: "active",
      tail: "",
      fingerprint: "",
      created_at: 0,
      activated_at: 0,
      retired_at: null,
      expires_at: endOfDay("2027-03-31", "Asia/Tokyo"),
      tested_at: null,
      test_verdict: null,
      erase_at: null,
      purged_at: null,
      requests: 0,
      last_used_at: null,
    };
    expect(story(version, [version], 1000, "Asia/Tokyo")).toContain("Ends 31 Mar.");
    expect(isoDay((version.expires_at ?? 0) - 1, "Asia/Tokyo")).toBe("2027-03-31");
  });
});

describe("limits", () => {
  it("k5_are_set_one_by_one_and_taken_away_by_nothing", async () => {
    const engine = await open("#/connections/conn_openai_main?tab=limits");
    await reads("limit-per_minute-used", "212 used");
    await type("limit-per_minute", "none");
    await fireEvent.keyDown(screen.getByTestId("limit-per_minute"), { key: "Enter" });
    expect(await screen.findByText("A whole number from 1 to 1,000,000, or nothing")).toBeTruthy();
    await type("limit-per_minute", "1,200");
    await fireEvent.keyDown(screen.getByTestId("limit-per_minute"), { key: "Enter" });
    await waitFor(() => expect(calls(engine, "connection_limit")).toHaveLength(1));
    expect(calls(engine, "connection_limit")[0]?.args["edit"]).toEqual({ limit: "per_minute", at_most: 1200 });
    await type("limit-per_day", "");
    await fireEvent.keyDown(screen.getByTestId("limit-per_day"), { key: "Enter" });
    await reads("limit-per_day-used", "no limit");
  });

  it("r3_of_a_window_of_its_own_need_both_numbers", async () => {
    const engine = await open("#/connections/conn_openai_main?tab=limits");
    await type("limit-period-requests", "10");
    await fireEvent.keyDown(screen.getByTestId("limit-period-requests"), { key: "Enter" });
    expect(await screen.findByText(/Requests, and seconds from 1 to 86,400/)).toBeTruthy();
    await type("limit-period-seconds", "60");
    await fireEvent.keyDown(screen.getByTestId("limit-period-seconds"), { key: "Enter" });
    await waitFor(() =>
      expect(calls(engine, "connection_limit")[0]?.args["edit"]).toEqual({
        limit: "per_period",
        at_most: { requests: 10, seconds: 60 },
      }),
    );
  });
});

describe("the vault and copies", () => {
  it("k1_keys_move_to_a_file_behind_a_passphrase_typed_twice", async () => {
    const engine = await open("#/settings/security");
    await fireEvent.click(await find("vault-move"));
    await type("move-passphrase", "short");
    expect(await screen.findByText("At least 8 characters")).toBeTruthy();
    await type("move-passphrase", "correct horse");
    await type("move-passphrase-again", "correct house");
    expect(await screen.findByText("The two are not the same")).toBeTruthy();
    expect(screen.getByTestId<HTMLButtonElement>("move-go").disabled).toBe(true);
    await type("move-passphrase-again", "correct horse");
    await fireEvent.click(screen.getByTestId("move-go"));
    await waitFor(() => expect(calls(engine, "vault_move_to_file")[0]?.args).toEqual({ passphrase: "correct horse" }));
    expect((await find("toast-text")).textContent).toContain("4 keys moved to the encrypted file");
  });

  it("k1_a_copy_has_no_keys_unless_it_is_sealed", async () => {
    const engine = await open("#/settings/data");
    await fireEvent.click(await find("backup-open"));
    await fireEvent.click(await find("backup-go"));
    await waitFor(() => expect(calls(engine, "back_up")[0]?.args).toEqual({ path: null, passphrase: null }));
    await waitFor(() => expect(screen.queryByTestId("backup-dialog")).toBeNull());
    await fireEvent.click(await find("backup-open"));
    await fireEvent.click(await find("backup-kind-sealed"));
    await type("backup-passphrase", "correct horse");
    await type("backup-passphrase-again", "correct horse");
    await fireEvent.click(screen.getByTestId("backup-go"));
    await waitFor(() => expect(calls(engine, "back_up")[1]?.args["passphrase"]).toBe("correct horse"));
  });

  it("x1_a_copy_is_looked_into_before_it_replaces_anything", async () => {
    const engine = await open("#/settings/data");
    await fireEvent.click(await find("restore-open"));
    await type("restore-path", "/home/ana/copy.age");
    await fireEvent.click(screen.getByTestId("restore-look"));
    await type("restore-passphrase", "correct horse");
    await fireEvent.click(screen.getByTestId("restore-look"));
    await reads("restore-contents", /OpenAI primary, Claude strategy.*4 keys.*12,345/);
    expect(calls(engine, "backup_restore")).toHaveLength(0);
  });

  it("x1_only_the_file_that_was_looked_into_can_replace_everything", async () => {
    await open("#/settings/data");
    await fireEvent.click(await find("restore-open"));
    await type("restore-path", "/home/ana/copy.db");
    await fireEvent.click(screen.getByTestId("restore-look"));
    await type("restore-path", "/home/ana/other.db");
    await waitFor(() => expect(screen.getByTestId("restore-look").textContent).toContain("Look into it"));
    expect(screen.queryByTestId("restore-contents")).toBeNull();
    await fireEvent.click(screen.getByTestId("restore-look"));
    await find("restore-go");
  });

  it("k4_keys_that_go_to_the_vault_file_want_its_passphrase_too", async () => {
    const engine = await open("#/settings/data");
    await fireEvent.click(await find("restore-open"));
    await type("restore-path", "/home/ana/vault.age");
    await fireEvent.click(screen.getByTestId("restore-look"));
    await type("restore-passphrase", "correct horse");
    await fireEvent.click(screen.getByTestId("restore-look"));
    await find("restore-go");
    const go = screen.getByTestId<HTMLButtonElement>("restore-go");
    expect(go.disabled).toBe(true);
    await type("restore-vault-passphrase", "battery staple");
    await waitFor(() => expect(go.disabled).toBe(false));
    await fireEvent.click(go);
    await waitFor(() =>
      expect(calls(engine, "backup_restore")[0]?.args).toEqual({
        path: "/home/ana/vault.age",
        passphrase: "correct horse",
        vaultPassphrase: "battery staple",
      }),
    );
  });

  it("f8_free_tests_run_before_a_market_opens", async () => {
    const engine = await open("#/settings/tests");
    await fireEvent.change(await find("schedule-kind"), { target: { value: "before_open" } });
    await fireEvent.change(await find("schedule-market"), { target: { value: "lse" } });
    await waitFor(() =>
      expect(calls(engine, "set_check_schedule").at(-1)?.args["schedule"]).toEqual({
        kind: "before_open",
        market: "lse",
        minutes: 30,
      }),
    );
  });
});
