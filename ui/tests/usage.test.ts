// The Usage screen on the fixture engine, and its address.
import { fireEvent, screen, waitFor } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import { conditionPart, monthWords, priorWords, shown, spanWords, withValue } from "../src/stores/usage-query";
import { causeLook, exactChange, points, tableText, wholePercent } from "../src/screens/usage/words";
import { usageView } from "./fixtures/usage";
import { calls, find, opener } from "./fixtures/open";

const open = opener({ width: 900, height: 200 });

describe("the address of the Usage screen", () => {
  it("is the last 30 days by provider where it says nothing", () => {
    expect(shown({})).toEqual({
      days: { kind: "last", days: 30 },
      conditions: [],
      by: "provider",
      compare: true,
      unit: "spend",
    });
  });
  it("holds days, groups and conditions, and reads back what it wrote", () => {
    const conditions = [
      { field: "app" as const, relation: "is_not" as const, values: ["playground", "a,b/c"] },
      { field: "feature" as const, relation: "is" as const, values: [""] },
    ];
    const query = Object.assign({ from: "2026-11-01", to: "2026-11-09", by: "app" }, ...conditions.map(conditionPart));
    expect(shown(query)).toMatchObject({ days: { kind: "between", from: "2026-11-01", to: "2026-11-09" }, by: "app" });
    expect(shown(query).conditions).toEqual([conditions[1], conditions[0]]);
  });
  it.each([
    [{ days: "7" }, 7],
    [{ days: "0" }, 30],
    [{ days: "soon" }, 30],
    [{ days: "99999" }, 3653],
    [{ from: "2026-11-01" }, 30],
  ])("%j is the last %d days", (query, days) => expect(shown(query).days).toEqual({ kind: "last", days }));
  it("adds a value to a condition once", () => {
    const first = withValue([], "app", "is", "a");
    expect(withValue([first], "app", "is", "b").values).toEqual(["a", "b"]);
    expect(withValue([first], "app", "is", "a").values).toEqual(["a"]);
    expect(withValue([first], "app", "is_not", "b").values).toEqual(["b"]);
  });
});

describe("the words of the Usage screen", () => {
  it.each([
    ["2026-11-10", "2026-12-09", "10 Nov to 9 Dec"],
    ["2026-11-10", "2026-11-10", "10 Nov"],
    ["2025-12-10", "2026-01-09", "10 Dec 2025 to 9 Jan"],
  ])("%s to %s is %s", (from, to, words) => expect(spanWords(from, to, "2026-12-09")).toBe(words));
  it.each([
    ["2026-11-30", "November 2026"],
    ["2027-01-01", "January 2027"],
  ])("%s is in %s", (day, words) => expect(monthWords(day)).toBe(words));
  it.each([
    [1, "day before"],
    [30, "prior 30 d"],
  ])("%d days are compared with the %s", (days, words) => expect(priorWords(days)).toBe(words));
  it.each([
    [4700, "47%"],
    [30, "<1%"],
    [0, "0%"],
  ])("%d basis points are %s", (share, words) => expect(wholePercent(share)).toBe(words));
  it("compares, where there is something to compare with", () => {
    expect(exactChange(110, 100)).toBeCloseTo(10);
    expect(exactChange(5, 0)).toBeNull();
    expect(points(-12)).toBe("0.1 pt");
  });
  it("knows a face for every cause, also for one that it does not know", () => {
    expect(causeLook("rate_limited")).toEqual({ icon: "gauge", tone: "warn" });
    expect(causeLook("toString")).toEqual({ icon: "ring", tone: "off" });
  });
  it("copies every digit, and no formula", () => {
    const view = usageView(shown({}));
    view.groups[0] = { ...view.groups[0]!, name: "=1+1" };
    const lines = tableText(view).split("\n");
    expect(lines[1]).toMatch(/^'=1\+1\t24812\t/);
    expect(lines.at(-1)).toContain("Total\t48291\t");
  });
});

describe("the Usage screen", () => {
  it("leads from what it counts to the requests themselves, under the same filters", async () => {
    const engine = await open("#/usage?days=7&is.feature=signal_parsing");
    await fireEvent.click(await find("requests-openai"));
    await find("log");
    const seven = { kind: "days", days: { kind: "last", days: 7 } };
    const feature = { field: "feature", relation: "is", values: ["signal_parsing"] };
    expect(calls(engine, "activity").at(-1)?.args["query"]).toEqual({
      span: seven,
      conditions: [{ field: "provider", relation: "is", values: ["openai"] }, feature],
      lines: "calls",
    });
    location.hash = "#/usage?days=7&is.feature=signal_parsing";
    await fireEvent.click(await find("failed-attempts"));
    await waitFor(() =>
      expect(calls(engine, "activity").at(-1)?.args["query"]).toEqual({
        span: seven,
        conditions: [feature, { field: "outcome", relation: "is_not", values: ["answered"] }],
        lines: "attempts",
      }),
    );
  });

  it("shows figures with what they were before, and goes without on request", async () => {
    await open("#/usage");
    expect((await find("usage-cost")).textContent).toContain("$194.39");
    expect(screen.getByTestId("usage-cost").textContent).toContain("11.0%");
    expect(screen.getByTestId("usage-more").textContent).toContain("On pace for $212.00");
    expect(screen.getByTestId("usage-more").textContent).toContain("$0.0121 per signal");
    expect(screen.getByTestId("usage-answered").textContent).toContain("from 99.8%");
    await fireEvent.click(screen.getByTestId("usage-compare"));
    await waitFor(() => expect(screen.getByTestId("usage-cost").textContent).not.toContain("from"));
    expect(location.hash).toContain("compare=off");
  });

  it("says so of every figure where there was nothing before", async () => {
    await open("#/usage?is.app=newcomer");
    await find("usage-cost");
    const figures = ["cost", "calls", "tokens-total", "answered", "p95", "per-thousand"];
    for (const id of figures) expect(screen.getByTestId(`usage-${id}`).textContent, id).toContain("nothing before");
  });

  it("asks again when the range, the groups or a filter change, and keeps them in its address", async () => {
    const engine = await open("#/usage");
    await find("usage-cost");
    const last = () => calls(engine, "usage").at(-1)?.args["query"];
    await fireEvent.click(screen.getByTestId("range-7"));
    await waitFor(() => expect(last()).toMatchObject({ days: { kind: "last", days: 7 } }));
    await fireEvent.click(screen.getByTestId("usage-by-model"));
    await waitFor(() => expect(last()).toMatchObject({ by: "model" }));
    await fireEvent.click(await find("cause-rate_limited"));
    const cause = { field: "error", relation: "is", values: ["rate_limited"] };
    await waitFor(() => expect(last()).toMatchObject({ conditions: [cause] }));
    location.hash = "#/overview";
    await find("ov-spend-today");
    await fireEvent.click(screen.getByTestId("nav-usage"));
    await find("filter-error");
    expect(location.hash).toContain("days=7");
    await fireEvent.click(screen.getByLabelText("Clear cause filter"));
    await waitFor(() => expect(last()).toMatchObject({ conditions: [] }));
  });

  it("adds a filter from its menu, and tells when nothing fits", async () => {
    const engine = await open("#/usage");
    await fireEvent.click(await find("usage-filter"));
    await fireEvent.click(await find("filter-relation-is_not"));
    await fireEvent.change(await find("filter-value"), { target: { value: "playground" } });
    await fireEvent.click(screen.getByTestId("filter-add"));
    const last = () => calls(engine, "usage").at(-1)?.args["query"];
    await waitFor(() =>
      expect(last()).toMatchObject({ conditions: [{ field: "app", relation: "is_not", values: ["playground"] }] }),
    );
    location.hash = "#/usage?is.app=nobody";
    await fireEvent.click(await find("usage-jump"));
    await waitFor(() => expect(location.hash).toContain("from=2025-11-03&to=2025-11-03"));
  });

  it("tells all of a filter on the status", async () => {
    await open("#/usage?is.outcome=answered,failed");
    expect((await find("filter-outcome")).textContent).toMatch(/Status\s+is\s+Answered or Failed/);
    expect(screen.queryByTestId("usage-status")).toBeNull();
    await fireEvent.click(screen.getByLabelText("Clear status filter"));
    const status = await find<HTMLSelectElement>("usage-status");
    await waitFor(() => expect([...status.options].map(({ value }) => value)).toContain("failed"));
    await fireEvent.change(status, { target: { value: "failed" } });
    await waitFor(() => expect(location.hash).toBe("#/usage?is.outcome=failed"));
    expect(screen.queryByTestId("filter-outcome")).toBeNull();
  });

  it("begins with the list of views again after a click elsewhere", async () => {
    await open("#/usage");
    await fireEvent.click(await find("views"));
    expect((await find("views-menu")).getAttribute("role")).toBe("menu");
    await fireEvent.click(await find("view-save"));
    await find("view-name");
    expect(screen.getByTestId("views-menu").getAttribute("role")).toBeNull();
    await fireEvent.pointerDown(document.body);
    await waitFor(() => expect(screen.queryByTestId("views-menu")).toBeNull());
    await fireEvent.click(screen.getByTestId("views"));
    await find("view-save");
  });

  it("opens a row to what is inside it, and narrows everything to it", async () => {
    const engine = await open("#/usage");
    await fireEvent.click(await find("group-openai"));
    await find("sub-gpt-5-mini");
    expect(calls(engine, "usage_groups").at(-1)?.args["query"]).toMatchObject({
      by: "model",
      conditions: [{ field: "provider", relation: "is", values: ["openai"] }],
    });
    // What is inside follows its row.
    engine.changed("usage");
    await waitFor(() => expect(calls(engine, "usage_groups")).toHaveLength(2), { timeout: 4000 });
    const requests = screen.getByTestId("requests-openai");
    expect(requests.tabIndex).toBe(0);
    expect(await fireEvent.keyDown(requests, { key: "Enter" })).toBe(true);
    expect(screen.getByTestId("sub-gpt-5-mini").tabIndex).toBe(-1);
    expect(screen.getByTestId("sub-gpt-5-mini").hasAttribute("tabindex")).toBe(true);
    await fireEvent.click(screen.getByTestId("only-openai"));
    await waitFor(() => expect(location.hash).toContain("is.provider=openai"));
    expect(location.hash).toContain("by=model");
  });

  it("picks days from the calendar", async () => {
    await open("#/usage?from=2025-11-03&to=2025-11-09");
    await fireEvent.click(await find("range-custom"));
    await fireEvent.click(await find("day-2025-11-20"));
    await fireEvent.click(screen.getByTestId("day-2025-11-11"));
    await waitFor(() => expect(location.hash).toContain("from=2025-11-11&to=2025-11-20"));
  });

  it("compares the traffic with another model", async () => {
    const engine = await open("#/usage");
    expect((await find("what-if-cost")).textContent).toContain("$51.93");
    expect(screen.getByTestId("usage-what-if").textContent).toContain("38 requests exceed its context");
    await fireEvent.change(screen.getByTestId("what-if-model"), { target: { value: "openai/gpt-5" } });
    await waitFor(() => expect(screen.getByTestId("what-if-cost").textContent).toContain("$163.30"));
    const asked = () => calls(engine, "usage_what_if").at(-1)?.args["models"];
    await waitFor(() => expect(asked()).toEqual(["openai/gpt-5", "openai/gpt-5-mini"]));
  });

  it("compares the traffic with a profile and with a price of one's own", async () => {
    const engine = await open("#/usage");
    await find("what-if-cost");
    await fireEvent.change(screen.getByTestId("what-if-model"), { target: { value: "profile:scan" } });
    await waitFor(() =>
      expect(screen.getByTestId("usage-what-if").textContent).toContain("at its first step, openai/gpt-5-mini"),
    );
    const price = (input: string, output: string) =>
      Promise.all([
        fireEvent.input(screen.getByTestId("own-input"), { target: { value: input } }),
        fireEvent.input(screen.getByTestId("own-output"), { target: { value: output } }),
      ]);
    await price("cheap", "1");
    await fireEvent.click(screen.getByTestId("own-price"));
    expect((await find("own-error")).textContent).toContain('"cheap" is no price');
    expect(screen.getByTestId("what-if-cost").textContent).toContain("$51.93");
    await price("0.2", "0.8");
    await fireEvent.click(screen.getByTestId("own-price"));
    await waitFor(() => expect(screen.getByTestId("what-if-cost").textContent).toContain("$77.70"));
    expect(screen.queryByTestId("own-error")).toBeNull();
    expect(calls(engine, "usage_what_if").at(-1)?.args).toMatchObject({
      models: ["openai/gpt-5", "openai/gpt-5-mini", "profile:scan"],
      price: { input: "0.2", output: "0.8" },
    });
    // It stays while others are looked at.
    await fireEvent.change(screen.getByTestId("what-if-model"), { target: { value: "openai/gpt-5" } });
    await waitFor(() => expect(screen.getByTestId("what-if-cost").textContent).toContain("$163.30"));
    expect(screen.getByTestId("what-if-").textContent).toContain("$0.2 in, $0.8 out");
  });

  it("offers an app's statement of the month in which the view ends", async () => {
    const engine = await open("#/usage?is.app=mt5-signal-bot&from=2025-09-20&to=2025-10-04");
    await find("usage-cost");
    await fireEvent.click(await find("usage-export"));
    const item = await find("export-statement");
    expect(item.textContent).toContain("Statement of October 2025");
    await fireEvent.click(item);
    await waitFor(() =>
      expect(calls(engine, "usage_statement").at(-1)?.args).toEqual({ app: "mt5-signal-bot", month: "2025-10" }),
    );
  });

  it("exports what is shown", async () => {
    const engine = await open("#/usage?is.app=mt5-signal-bot");
    await fireEvent.click(await find("usage-export"));
    await fireEvent.click(await find("export-parquet"));
    await waitFor(() => expect(screen.getByTestId("toast-text").textContent).toContain("/exports/usage.parquet"));
    expect(calls(engine, "usage_export").at(-1)?.args).toMatchObject({
      format: "parquet",
      query: { conditions: [{ field: "app", relation: "is", values: ["mt5-signal-bot"] }] },
    });
  });
});
