// The audit log in the window, on the fixture engine.
import { fireEvent, screen, waitFor } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import type { AuditQuery } from "../src/backend";
import { filtersOf, queryOf } from "../src/screens/alerts/audit/query";
import { detail, look, who } from "../src/screens/alerts/audit/words";
import { entries } from "./fixtures/audit";
import { find, open, type Window } from "./fixtures/open";

const asked = (engine: Window) =>
  engine.calls
    .filter(({ command }) => command === "audit")
    .map(({ args }) => args as { query: AuditQuery; before: number | null });

describe("the audit log", () => {
  it("a1_shows_who_did_what_to_which_with_its_number_and_what_changed", async () => {
    await open("#/alerts?tab=audit");
    const row = await find("audit-238");
    expect(row.textContent).toMatch(/changed.*Connection\s*conn_openai_main.*#238/);
    expect(screen.getByTestId("audit-233").textContent).toContain("teleport");
    await fireEvent.click(row);
    const pane = await find("audit-detail");
    expect(pane.textContent).toMatch(/60000.*45000/);
    expect(pane.textContent).toContain("0".repeat(62) + "ee");
    await fireEvent.keyDown(window, { key: "Escape" });
    await waitFor(() => expect(screen.queryByTestId("audit-detail")).toBeNull());
  });

  it("a3_says_that_the_chain_is_intact_and_looks_again_when_asked", async () => {
    const engine = await open("#/alerts?tab=audit");
    expect((await find("audit-verdict")).textContent).toContain("Chain intact, 240 entries");
    await fireEvent.click(screen.getByTestId("audit-verify"));
    await waitFor(() => expect(engine.calls.filter(({ command }) => command === "audit_verify")).toHaveLength(2));
  });

  it("a3_a_broken_chain_is_told_with_the_first_bad_entry", async () => {
    await open("#/alerts?tab=audit", "broken-chain");
    expect((await find("audit-broken")).textContent).toContain("entry #237 is missing or not as it was written");
    await find("audit-237");
    await fireEvent.click(await find("audit-show-bad"));
    expect((await find("audit-detail")).textContent).toContain("#237");
  });

  it("is filtered by the backend, and says when nothing fits", async () => {
    const engine = await open("#/alerts?tab=audit&who=scheduler");
    await find("audit-235");
    expect(screen.queryByTestId("audit-240")).toBeNull();
    expect(asked(engine).at(-1)?.query.actor).toBe("scheduler");
    await fireEvent.input(screen.getByTestId("audit-text"), { target: { value: "nobody" } });
    await find("audit-none");
    await fireEvent.click(screen.getByText("Clear filters"));
    await find("audit-240");
    expect(location.hash).toBe("#/alerts?tab=audit");
  });

  it("reads older entries on demand", async () => {
    const engine = await open("#/alerts?tab=audit");
    await fireEvent.click(await find("audit-older"));
    await waitFor(() => expect(screen.getByTestId("audit-41")).toBeTruthy());
    expect(asked(engine).at(-1)).toMatchObject({ before: 141, limit: 100 });
  });

  it("a1_keeps_an_entry_far_down_open_and_hears_of_every_change", async () => {
    const engine = await open("#/alerts?tab=audit&days=90");
    await fireEvent.click(await find("audit-older"));
    await fireEvent.click(await find("audit-41"));
    expect((await find("audit-detail")).textContent).toContain("#41");
    const before = asked(engine).length;
    for (const what of ["profiles", "views", "alerts", "budgets"] as const) {
      const reads = asked(engine).length;
      engine.changed(what);
      await waitFor(() => expect(asked(engine).length).toBeGreaterThan(reads));
    }
    expect(asked(engine).slice(before)).toEqual(Array(4).fill(expect.objectContaining({ before: null, limit: 100 })));
    expect(screen.getByTestId("audit-detail").textContent).toContain("#41");
  });

  it("is exported as it is filtered", async () => {
    const engine = await open("#/alerts?tab=audit&kind=credential");
    await find("audit-235");
    await fireEvent.click(screen.getByTestId("audit-export"));
    await fireEvent.click(await find("audit-format-json"));
    await fireEvent.click(screen.getByTestId("audit-export-go"));
    expect((await find("toast-text")).textContent).toContain("3 entries written to");
    const call = engine.calls.find(({ command }) => command === "audit_export");
    expect(call?.args).toMatchObject({ format: "json", query: { kind: "credential" } });
  });
});

describe("its words", () => {
  it("name what they know and show the rest as it was written", () => {
    const [tested, rest, changed] = entries;
    expect(tested && [who(tested), look(tested).word, detail(tested)]).toEqual([
      "You",
      "tested",
      "Passed: ready to take traffic",
    ]);
    expect(rest && who(rest)).toBe("Patchbay");
    expect(changed && detail(changed)).toBe("first byte ms 60000 to 45000");
    expect(look({ ...entries[0], action: "from_the_future" } as never).word).toBe("from the future");
  });

  it("ask for a window of days by its beginning", () => {
    const now = 1_000_000_000_000;
    expect(queryOf(filtersOf({ days: "7", who: "nobody" }), now)).toMatchObject({
      from: now - 7 * 86_400_000,
      to: null,
      actor: null,
    });
  });
});
