// Where the charts and figures lead, on the fixture engine.
import { fireEvent, screen, waitFor } from "@testing-library/svelte";
import { describe, expect, it, vi } from "vitest";
import { calls, find, opener } from "./fixtures/open";
import { NOW } from "./fixtures/session";

const open = opener({ width: 900, height: 200 });

/** A slot of a chart, once it is drawn. */
const slot = (chart: string, at: number) =>
  waitFor(
    () => {
      const found = screen.getByTestId(chart).querySelector(`[data-slot="${at}"]`);
      if (!found) throw new Error(`${chart} has no slot ${at} yet`);
      return found;
    },
    { timeout: 8000 },
  );

const press = (from: Element) => fireEvent.pointerDown(from, { button: 0, clientX: 400, clientY: 50, pointerId: 1 });

/** Presses at a slot and moves to what lies at x, 400 px being where it was pressed: the chart has the pointer. */
async function drag(chart: string, from: number, over: Element, x: number) {
  await press(await slot(chart, from));
  vi.spyOn(document, "elementFromPoint").mockReturnValue(over);
  await fireEvent.pointerMove(screen.getByTestId(chart), { clientX: x });
}

const release = (chart: string) => fireEvent.pointerUp(screen.getByTestId(chart));
const span = () => new URLSearchParams(location.hash.split("?")[1]);
const days = () => [span().get("from"), span().get("to")];
/** The day that many days before today, as the fixtures draw it. */
const ago = (back: number) => new Date(NOW - back * 86_400_000).toISOString().slice(0, 10);

describe("a closer look", () => {
  it("at an hour is the log of it, with the same filters", async () => {
    await open("#/usage?days=1&is.app=fx-scout");
    await find("filter-app");
    const { closer } = await import("../src/screens/usage/closer");
    closer(String(NOW - 3_600_000), String(NOW));
    expect(location.hash).toMatch(/^#\/activity\?/);
    expect(span().get("is.app")).toBe("fx-scout");
    expect([span().get("since"), span().get("until")].map(Number)).toEqual([NOW - 3_600_000, NOW]);
  });
});

describe("a drag over a chart", () => {
  it("looks closer at the days that it went over, in either direction", async () => {
    await open("#/usage");
    await drag("usage-spend-chart", 12, await slot("usage-spend-chart", 9), 300);
    await release("usage-spend-chart");
    expect(days()).toEqual([ago(20), ago(17)]);
  });

  it.each([
    ["right", 2000, ago(17), ago(0)],
    ["left", -50, ago(29), ago(17)],
  ])("beyond the %s edge goes to the very edge", async (_, x, from, to) => {
    const capture = vi.spyOn(Element.prototype, "setPointerCapture");
    await open("#/usage");
    await drag("usage-spend-chart", 12, await slot("usage-tokens-chart", 3), x);
    await release("usage-spend-chart");
    expect(capture).toHaveBeenCalledWith(1);
    expect(days()).toEqual([from, to]);
  });

  it("is a step back from, and none where nothing changes", async () => {
    const engine = await open("#/usage?days=7");
    await press(await slot("usage-spend-chart", 12));
    await release("usage-spend-chart");
    const closer = location.hash;
    expect(days()).toEqual([ago(17), ago(17)]);
    await waitFor(() => expect(calls(engine, "usage")).toHaveLength(2));
    await press(await slot("usage-spend-chart", 12));
    await release("usage-spend-chart");
    expect(location.hash).toBe(closer);
    await fireEvent.keyDown(window, { key: "ArrowLeft", code: "ArrowLeft", altKey: true });
    await waitFor(() => expect(location.hash).toBe("#/usage?days=7"));
    await fireEvent.keyDown(window, { key: "ArrowRight", code: "ArrowRight", altKey: true });
    await waitFor(() => expect(location.hash).toBe(closer));
  });

  it("is ended by Escape, and nothing is looked at", async () => {
    const engine = await open("#/usage");
    await drag("usage-spend-chart", 12, await slot("usage-spend-chart", 9), 300);
    await fireEvent.keyDown(screen.getByTestId("usage-spend-chart"), { key: "Escape" });
    await release("usage-spend-chart");
    expect(span().has("from")).toBe(false);
    expect(calls(engine, "usage")).toHaveLength(1);
  });

  it("picks one day of the calendar, and one hour of the week: the one under the pointer", async () => {
    const engine = await open("#/usage?view=calendar");
    // Tuesday of the second week, Monday of the third: row by row, the earlier one is listed later.
    await press(await slot("usage-spend-chart", 4));
    await fireEvent.pointerMove(await slot("usage-spend-chart", 2));
    await release("usage-spend-chart");
    expect(days()).toEqual(["2025-11-24", "2025-11-24"]);
    await press(await slot("usage-hours-chart", 30));
    await fireEvent.pointerMove(await slot("usage-hours-chart", 5));
    await release("usage-hours-chart");
    const from = Date.UTC(2025, 10, 10, 5);
    await waitFor(() =>
      expect(calls(engine, "activity").at(-1)?.args["query"]).toMatchObject({
        span: { kind: "moments", from, to: from + 3_600_000 },
      }),
    );
  });

  it("looks closer at what failed over time, too", async () => {
    await open("#/usage");
    await fireEvent.click(await find("usage-errors-over-time"));
    await press(await slot("usage-errors-chart", 12));
    await release("usage-errors-chart");
    expect(days()).toEqual([ago(17), ago(17)]);
  });

  it("off a heat map picks nothing", async () => {
    await open("#/usage?view=calendar");
    await press(await slot("usage-spend-chart", 4));
    await fireEvent.pointerLeave(screen.getByTestId("usage-spend-chart"));
    await release("usage-spend-chart");
    expect(span().has("from")).toBe(false);
  });
});

describe("the overview", () => {
  it("leads from a bar to the usage of its day", async () => {
    const engine = await open("#/overview");
    await press(await slot("spend-chart", 12));
    await release("spend-chart");
    await waitFor(() =>
      expect(calls(engine, "usage").at(-1)?.args["query"]).toMatchObject({
        days: { kind: "between", from: ago(17), to: ago(17) },
      }),
    );
    location.hash = "#/overview";
    await fireEvent.keyDown(await find("spend-chart"), { key: "End" });
    await fireEvent.keyDown(screen.getByTestId("spend-chart"), { key: "Enter" });
    expect(location.hash).toBe(`#/usage?from=${ago(0)}&to=${ago(0)}`);
  });

  it("leads from an app or a feature, and from what nobody named, to its usage of today", async () => {
    const engine = await open("#/overview");
    engine.state.overview = {
      ...engine.state.overview,
      top_features: [{ name: "(none)", calls: 3, cost: "0.10" }],
    };
    const asked = () => calls(engine, "usage").at(-1)?.args["query"];
    const only = (field: string, value: string) => ({
      days: { kind: "last", days: 1 },
      conditions: [{ field, relation: "is", values: [value] }],
    });
    await fireEvent.click(await find("top-earnings-parser"));
    await waitFor(() => expect(asked()).toMatchObject(only("app", "earnings-parser")));
    location.hash = "#/overview";
    await fireEvent.click(await find("ov-top-features"));
    await fireEvent.click(await find("top-(none)"));
    await waitFor(() => expect(asked()).toMatchObject(only("feature", "")));
  });

  it("leads from the figures of today to the usage of today, and tells how they changed", async () => {
    await open("#/overview");
    const figures = ["ov-spend-today", "ov-requests", "ov-answered", "ov-latency", "ov-tokens"];
    for (const id of figures) expect((await find(id)).getAttribute("href"), id).toBe("#/usage?days=1");
    expect(screen.getByTestId("ov-answered").textContent).toContain("0.1 pt");
    expect(screen.getByTestId("ov-tokens").textContent).toContain("10%");
  });
});
