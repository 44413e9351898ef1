// What the overlay of a chart works out from slots, rows and series. It never reads the drawing.
import type { Chart, ChartSeries, Unit } from "../backend";
import { count, duration, money, percent, unitCost } from "../format";

/** How a number is written: as what it counts, or as the cost of one thing. */
export type Written = Unit | "usd_each";
/** A chart whose numbers may be written in another way than its unit says. */
export type Shown = Omit<Chart, "unit"> & { unit: Written };
export type TipLine = { series: ChartSeries; amount: string; share: number | null };
/** Where the tooltip hangs: off the right or the left edge of its slot, in px from that side of the chart. */
export type TipPlace = { left: number } | { right: number };

const GAP = 8;
const ZERO = /^-?0*(\.0*)?$/;

/** A number of a chart as its unit is written: `$4.14`, `1,268`, `12.5`, `2.18 s`, `4.2%`, `$0.0149` each. */
export function figure(unit: Written, amount: string | null): string {
  if (amount === null) return "-";
  if (unit === "usd") return money(amount);
  if (unit === "usd_each") return unitCost(amount);
  const number = Number(amount);
  if (unit === "ms") return duration(number);
  if (unit === "share") return percent(number);
  return Number.isInteger(number) ? count(number) : number.toFixed(1);
}

/** A heat map: its slots are cells, row by row, so those between two of them are no span of time. */
export function isGrid({ columns, slots }: Shown): boolean {
  return columns < slots.length;
}

/** The first and the last slot that a pick is of: of a grid always one, elsewhere all since a drag began. */
export function picked(chart: Shown, began: number | null, at: number): [number, number] {
  const from = began === null || isGrid(chart) ? at : began;
  return [Math.min(from, at), Math.max(from, at)];
}

/** Whether its numbers add up: percentiles, averages and shares have no totals. */
export function addsUp(chart: Shown): boolean {
  return chart.totals.some((total) => total !== null);
}

/** What a slot holds of the series that are drawn; of amounts that add up, those of nothing are left out. */
export function tipLines(chart: Shown, slot: number): TipLine[] {
  const total = Number(chart.totals[slot] ?? 0);
  const adds = addsUp(chart);
  return chart.series.flatMap((series, at) => {
    const amount = chart.rows[slot]?.[at] ?? null;
    if (series.hidden || amount === null || (adds && ZERO.test(amount))) return [];
    const share = adds && chart.series.length > 1 && total > 0 ? Math.round((Number(amount) / total) * 100) : null;
    return [{ series, amount, share }];
  });
}

/** Right of the slot in the first half of the plot, left of it in the second: it never leaves the chart. */
export function tipPlace(chart: Shown, slot: number, width: number): TipPlace {
  const { x, w } = chart.slots[slot] ?? { x: 0, w: 0 };
  const middle = chart.plot.x + chart.plot.w / 2;
  return x + w / 2 <= middle ? { left: x + w + GAP } : { right: width - x + GAP };
}

/** Where a key moves the cursor; null if the key is not about it. Without a cursor it starts at the last slot. */
export function cursorAfter(key: string, at: number | null, slots: number, columns = slots): number | null {
  const last = slots - 1;
  if (last < 0) return null;
  const by = (step: number) => (at === null ? last : Math.min(last, Math.max(0, at + step)));
  switch (key) {
    case "ArrowLeft":
      return by(-1);
    case "ArrowRight":
      return by(1);
    case "ArrowUp":
      return columns < slots ? by(-columns) : null;
    case "ArrowDown":
      return columns < slots ? by(columns) : null;
    case "Home":
      return 0;
    case "End":
      return last;
    default:
      return null;
  }
}
