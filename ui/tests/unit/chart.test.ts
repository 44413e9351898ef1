import { describe, expect, it } from "vitest";
import type { App, Overview, Totals } from "../../src/backend";
import { cursorAfter, figure, picked, tipLines, tipPlace } from "../../src/kit/chart";
import { answered, change, isFresh, named, zoneName } from "../../src/screens/overview/figures";
import { heatChart, spendChart } from "../fixtures/chart";
import { apps } from "../fixtures/apps";
import { noOverview, overview } from "../fixtures/overview";

const chart = (hidden: string[] = []) => spendChart({ width: 676, height: 200, theme: "dark", hidden });

describe("the overlay of a chart", () => {
  it("lists what is drawn of a day, in the order of the legend", () => {
    expect(tipLines(chart(), 11).map(({ series }) => series.id)).toEqual([
      "openai",
      "anthropic",
      "gemini",
      "openrouter",
    ]);
    expect(tipLines(chart(["openai", "gemini"]), 11).map(({ series }) => series.id)).toEqual([
      "anthropic",
      "openrouter",
    ]);
  });
  it("leaves out what spent nothing", () => {
    const one = chart();
    one.rows[3] = ["0", "0.000000001", "0.0000", "-0"];
    expect(tipLines(one, 3).map(({ series }) => series.id)).toEqual(["anthropic"]);
    expect(tipLines(one, 99)).toEqual([]);
  });
  it("hangs the tooltip inside the chart", () => {
    const { slots } = chart();
    const [first, last] = [slots[0], slots[29]];
    expect(tipPlace(chart(), 0, 676)).toEqual({ left: (first?.x ?? 0) + (first?.w ?? 0) + 8 });
    expect(tipPlace(chart(), 29, 676)).toEqual({ right: 676 - (last?.x ?? 0) + 8 });
  });
  it.each([
    ["ArrowLeft", null, 29],
    ["ArrowRight", null, 29],
    ["ArrowLeft", 5, 4],
    ["ArrowLeft", 0, 0],
    ["ArrowRight", 29, 29],
    ["Home", 12, 0],
    ["End", null, 29],
    ["Enter", 3, null],
  ])("%s at %j goes to %j", (key, at, to) => expect(cursorAfter(key, at, 30)).toBe(to));
  it.each([
    ["ArrowUp", 30, 6],
    ["ArrowDown", 150, 167],
    ["ArrowUp", 3, 0],
  ])("%s at %d of a grid goes to %d", (key, at, to) => expect(cursorAfter(key, at, 168, 24)).toBe(to));
  it.each([
    [null, 5, [5, 5]],
    [3, 5, [3, 5]],
    [5, 3, [3, 5]],
  ])("begun at %j and at %d a pick is of %j, of a grid of one cell", (began, at, slots) => {
    expect(picked(chart(), began, at)).toEqual(slots);
    const grid = heatChart("calendar", { width: 676, height: 200, theme: "dark", hidden: [] });
    expect(picked(grid, began, at)).toEqual([at, at]);
  });
  it.each([
    ["usd", "4.14", "$4.14"],
    ["count", "1268", "1,268"],
    ["count", "12.5", "12.5"],
    ["ms", "2180", "2.18 s"],
    ["ms", null, "-"],
  ] as const)("writes %s of %j as %s", (unit, amount, text) => expect(figure(unit, amount)).toBe(text));
  it("has no cursor without days", () => expect(cursorAfter("Home", null, 0)).toBeNull());
});

describe("the figures of the overview", () => {
  it.each([
    [1268, 1174, 8],
    [90, 100, -10],
    [5, 0, null],
    [0, 5, -100],
  ])("%d after %d is a change of %j%%", (now, before, by) => expect(change(now, before)).toBe(by));

  it.each([
    ["America/New_York", "New York time"],
    ["UTC", "UTC"],
    ["Etc/UTC", "UTC"],
    ["America/Argentina/Buenos_Aires", "Buenos Aires time"],
  ])("%s is %j", (zone, words) => expect(zoneName(zone)).toBe(words));

  it("has no share without calls", () => {
    expect(answered(noOverview.today)).toBeNull();
    expect(answered({ calls: 1000, answered_calls: 998 } as Totals)).toBe(9980);
  });

  it("is fresh only until the first call, even a free one", () => {
    const unused = [{ ...apps[0], last_used_at: null } as App];
    expect(isFresh(noOverview, [])).toBe(true);
    expect(isFresh(noOverview, unused)).toBe(true);
    expect(isFresh(noOverview, apps)).toBe(false);
    expect(isFresh({ ...noOverview, unpriced: { attempts: 1, models: ["llama3.3"] } } as Overview, unused)).toBe(false);
    expect(isFresh(overview, unused)).toBe(false);
  });

  it.each([
    [["a"], "a"],
    [["a", "b"], "a and b"],
    [["a", "b", "c", "d"], "a, b and 2 more"],
  ])("names %j as %j", (models, words) => expect(named(models)).toBe(words));
});
