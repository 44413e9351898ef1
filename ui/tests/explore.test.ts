// Explore and saved views on the fixture engine, and their address.
import { fireEvent, screen, waitFor } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import type { ExploreQuery, Shows } from "../src/backend";
import { behind, explored, explorePart, OTHER } from "../src/stores/explore-query";
import { change, exploreText, linesOf, number, writtenAs } from "../src/screens/explore/words";
import { addressOf, isSame, showsAt } from "../src/stores/saved-view";
import { exploreView } from "./fixtures/explore";
import { calls, find, opener, type Window } from "./fixtures/open";

const open = opener({ width: 900, height: 200 });

const asked = (engine: Window, command: string) =>
  engine.calls.filter((call) => call.command === command).at(-1)?.args["query"];
const pick = (id: string, value: string) => fireEvent.change(screen.getByTestId(id), { target: { value } });

const USUAL: ExploreQuery = {
  days: { kind: "last", days: 30 },
  conditions: [],
  metric: "spend",
  by: "provider",
  then: null,
  top: 5,
};

describe("the address of Explore", () => {
  it("is the spend of 30 days by provider where it says nothing", () => {
    expect(explored({})).toEqual({ query: USUAL, compare: true });
    expect(explorePart(USUAL)).toEqual({ metric: "", by: "", then: "", top: "" });
  });
  it("reads back what it wrote", () => {
    const query: ExploreQuery = { ...USUAL, metric: "first_token_p95", by: "error", then: "app", top: 20 };
    expect(explored(explorePart(query)).query).toEqual(query);
  });
  it.each([
    [{ metric: "luck" }, { metric: "spend" }],
    [{ by: "day" }, { by: "provider" }],
    [
      { by: "app", then: "app" },
      { by: "app", then: null },
    ],
    [{ then: "toString" }, { then: null }],
    [{ top: "7" }, { top: 5 }],
  ])("%j is %j", (query, part) => expect(explored(query as never).query).toMatchObject(part));
});

describe("the address of a saved view", () => {
  const conditions = [
    { field: "app" as const, relation: "is_not" as const, values: ["playground", "a,b/c"] },
    { field: "feature" as const, relation: "is" as const, values: [""] },
  ];
  const between = { kind: "between" as const, from: "2026-11-01", to: "2026-11-09" };
  const all: Shows[] = [
    {
      screen: "usage",
      query: { days: { kind: "last", days: 30 }, conditions: [], by: "provider" },
      compare: true,
      calendar: false,
    },
    { screen: "usage", query: { days: between, conditions, by: "app" }, compare: false, calendar: true },
    { screen: "explore", query: USUAL, compare: true },
    {
      screen: "explore",
      query: { ...USUAL, days: between, conditions, metric: "latency_p95", then: "model", top: 3 },
      compare: false,
    },
  ];
  it.each(all)("leads back to all of %j", (shows) => {
    const { item, query } = addressOf(shows);
    expect(isSame(showsAt(item, query), shows)).toBe(true);
    expect(addressOf(showsAt(item, query))).toEqual({ item, query });
  });
  it("tells views apart", () => {
    for (const one of all) expect(all.filter((other) => isSame(one, other))).toEqual([one]);
  });
});

describe("the words of Explore", () => {
  it("compares shares by points and all else in percent", () => {
    expect(change("usd", { value: "110", before: "100" })).toEqual({ by: expect.closeTo(10), text: "10.0%" });
    expect(change("share", { value: "120", before: "100" })).toEqual({ by: 20, text: "0.2 pt" });
    expect(change("ms", { value: null, before: "100" })).toBeNull();
    expect(change("count", { value: "5", before: "0" })).toBeNull();
  });
  it("writes each number in its unit", () => {
    expect(number("share", "420")).toBe("4.2%");
    expect(number("ms", "2180")).toBe("2.18 s");
    expect(number("usd", null)).toBe("-");
    expect(number(writtenAs("cost_per_signal", "usd"), "0.0149")).toBe("$0.0149");
    expect(number(writtenAs("cost_per_thousand", "usd"), "4.0251")).toBe("$4.03");
    expect([linesOf("spend"), linesOf("failed_share")]).toEqual(["calls", "attempts"]);
  });
  it("copies every digit, and no formula", () => {
    const view = exploreView({ ...USUAL, then: "model" });
    view.groups[1]!.row.name = "@SUM(1)";
    const lines = exploreText(view, ["Provider", "Model", "Spend"]).split("\n");
    expect(lines[0]).toBe("Provider\tModel\tSpend USD\tBefore\tRequests");
    expect(lines[1]).toMatch(/^OpenAI\tgpt-5\t35\.30\t/);
    expect(lines[3]).toMatch(/^'@SUM\(1\)\t\t53\.80\t/);
    expect(lines.at(-1)).toBe("Total\t\t194.39\t175.13\t48291");
  });
  it("finds what is behind a row, and behind the others", () => {
    const only = { field: "app" as const, relation: "is" as const, values: ["bot"] };
    const openai = { field: "provider" as const, relation: "is" as const, values: ["openai"] };
    expect(behind([only], "provider", "openai", ["openai"])).toEqual([only, openai]);
    expect(behind([only, openai], "provider", "gemini", [])).toEqual([only, { ...openai, values: ["gemini"] }]);
    expect(behind([only], "provider", OTHER, ["openai", "gemini"])).toEqual([
      only,
      { field: "provider", relation: "is_not", values: ["openai", "gemini"] },
    ]);
  });
});

describe("Explore", () => {
  it("asks for a number, groups and groups inside them, and keeps them in its address", async () => {
    const engine = await open("#/usage?days=7&is.app=mt5-signal-bot");
    await find("usage-cost");
    await fireEvent.click(screen.getByTestId("usage-tab-explore"));
    expect((await find("explore-whole")).textContent).toContain("$194.39");
    expect(screen.getByTestId("explore-total").textContent).toBe("$194.39");
    const app = { field: "app", relation: "is", values: ["mt5-signal-bot"] };
    expect(asked(engine, "usage_explore")).toEqual({ ...USUAL, days: { kind: "last", days: 7 }, conditions: [app] });
    await pick("explore-metric", "latency_p95");
    await pick("explore-by", "model");
    await pick("explore-then", "app");
    await fireEvent.click(screen.getByTestId("explore-top-10"));
    await waitFor(() =>
      expect(asked(engine, "usage_explore")).toMatchObject({
        metric: "latency_p95",
        by: "model",
        then: "app",
        top: 10,
      }),
    );
    expect(asked(engine, "usage_explore_chart")).toEqual(asked(engine, "usage_explore"));
    expect(location.hash).toContain("#/usage/explore?");
    // It is there after another screen, and the filters are there on the other tab.
    await fireEvent.click(screen.getByTestId("nav-overview"));
    await find("ov-spend-today");
    await fireEvent.click(screen.getByTestId("nav-usage"));
    await find("explore-whole");
    expect(location.hash).toContain("metric=latency_p95");
    await fireEvent.click(screen.getByTestId("usage-tab-report"));
    await find("filter-app");
  });

  it("leads from a row to what is behind it, and narrows to a group", async () => {
    const engine = await open("#/usage/explore?days=7&then=model&top=3");
    await fireEvent.keyDown(await find("inner-openai/gpt-5-mini"), { key: "Enter" });
    await find("log");
    const is = (field: string, value: string) => ({ field, relation: "is", values: [value] });
    const seven = { kind: "days", days: { kind: "last", days: 7 } };
    expect(asked(engine, "activity")).toEqual({
      span: seven,
      conditions: [is("provider", "openai"), is("model", "gpt-5-mini")],
      lines: "calls",
    });
    location.hash = "#/usage/explore?days=7&metric=failed_attempts&top=3";
    await fireEvent.click(await find(`requests-${OTHER}`));
    const not = (field: string, values: string[]) => ({ field, relation: "is_not", values });
    await waitFor(() =>
      expect(asked(engine, "activity")).toEqual({
        span: seven,
        conditions: [not("provider", ["openai", "anthropic", "gemini"]), not("outcome", ["answered"])],
        lines: "attempts",
      }),
    );
    location.hash = "#/usage/explore?then=model";
    await fireEvent.click(await find("only-openai"));
    await waitFor(() =>
      expect(asked(engine, "usage_explore")).toEqual({ ...USUAL, by: "model", conditions: [is("provider", "openai")] }),
    );
  });

  it("writes the cost of one thing finely, in the table and over the chart", async () => {
    await open("#/usage/explore?metric=cost_per_signal");
    expect((await find("explore-total")).textContent).toBe("$0.0121");
    const chart = await find("explore-chart-chart");
    await waitFor(() => expect(chart.querySelector("svg")).not.toBeNull());
    await fireEvent.keyDown(chart, { key: "End" });
    expect(chart.textContent).toMatch(/\$0\.00\d{3}/);
  });

  it("says highest only of what it has looked at", async () => {
    await open("#/usage/explore?top=3");
    expect((await find("explore-highest")).textContent).toMatch(/^Highest \$/);
    location.hash = "#/usage/explore?top=3&metric=latency_p95";
    await waitFor(() => expect(screen.getByTestId("explore-highest").textContent).toMatch(/^Highest shown/));
    expect(screen.getByTestId("explore-groups").textContent).toContain("3 busiest shown, rest as Other");
  });

  it("writes its own chart as a picture", async () => {
    const engine = await open("#/usage/explore?metric=latency_p95&by=model");
    await waitFor(() => expect(screen.getByTestId("explore-chart-chart").querySelector("[data-slot]")).not.toBeNull());
    await fireEvent.click(await find("usage-export"));
    expect((await find("export-png")).textContent).toContain("1 image");
    await fireEvent.click(await find("export-png"));
    await waitFor(() => expect(screen.getByTestId("toast-text").textContent).toContain("/exports/explore.png"));
    const { args } = calls(engine, "chart_export").at(-1)!;
    expect(args).toMatchObject({
      format: "png",
      chart: { of: { screen: "explore", query: { metric: "latency_p95", by: "model" } } },
    });
  });

  it("tells when nothing fits", async () => {
    await open("#/usage/explore?is.app=nobody");
    await fireEvent.click(await find("usage-jump"));
    await waitFor(() => expect(location.hash).toContain("/explore?"));
    expect(location.hash).toContain("from=2025-11-03&to=2025-11-03");
  });
});

describe("saved views", () => {
  async function save(name: string) {
    await fireEvent.click(await find("views"));
    await fireEvent.click(await find("view-save"));
    await fireEvent.input(await find("view-name"), { target: { value: name } });
    await fireEvent.click(screen.getByTestId("view-name-save"));
  }

  it("saves what is shown, opens it from anywhere, and lets it show something else", async () => {
    await open("#/usage/explore?metric=requests&by=app");
    await find("explore-whole");
    await save("By app");
    await waitFor(() => expect(screen.getByTestId("toast-text").textContent).toContain("saved as By app"));
    location.hash = "#/overview";
    await find("ov-spend-today");
    await fireEvent.keyDown(window, { key: "k", code: "KeyK", ctrlKey: true });
    await fireEvent.input(await find("palette-input"), { target: { value: "By app" } });
    await screen.findByText("Views");
    await fireEvent.keyDown(screen.getByTestId("palette-input"), { key: "Enter" });
    await waitFor(() => expect(location.hash).toContain("#/usage/explore?"));
    expect(location.hash).toContain("metric=requests");
    await find("explore-whole");
    await pick("explore-metric", "attempts");
    await fireEvent.click(screen.getByTestId("views"));
    await fireEvent.click(await find("view-replace"));
    await waitFor(() => expect(screen.getAllByTestId("toast-text").at(-1)?.textContent).toContain("from now on"));
  });

  it("refuses a name that is taken, renames, deletes, and brings back", async () => {
    const engine = await open("#/usage?by=app&days=7");
    await find("usage-cost");
    await save("One");
    await waitFor(() => expect(screen.queryByTestId("view-name")).toBeNull());
    await save("One");
    await screen.findByText('There is already a view named "One".');
    await fireEvent.input(screen.getByTestId("view-name"), { target: { value: "Two" } });
    await fireEvent.click(screen.getByTestId("view-name-save"));
    await waitFor(() => expect(screen.queryByTestId("view-name")).toBeNull());

    await fireEvent.click(screen.getByTestId("views"));
    await fireEvent.keyDown(await find("view-Two"), { key: "F2" });
    await fireEvent.input(await find("view-name"), { target: { value: "Three" } });
    await fireEvent.click(screen.getByTestId("view-name-save"));
    await waitFor(() => expect(screen.queryByTestId("view-name")).toBeNull());

    await fireEvent.click(screen.getByTestId("views"));
    await fireEvent.click(await find("delete-Three"));
    await fireEvent.click(await screen.findByText("Undo"));
    await waitFor(() =>
      expect(engine.calls.filter(({ command }) => command === "saved_view_add").at(-1)?.args).toMatchObject({
        name: "Three",
        shows: { screen: "usage", query: { by: "app", days: { kind: "last", days: 7 } } },
      }),
    );
    await fireEvent.click(screen.getByTestId("views"));
    await find("view-One");
    await find("view-Three");
  });
});
