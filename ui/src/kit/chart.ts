// What the overlay of a chart works out from slots, rows and series. It never reads the drawing.
import type { Chart, ChartSeries } from "../backend";

export type TipLine = { series: ChartSeries; amount: string };
/** Where the tooltip hangs: off the right or the left edge of its slot, in px from that side of the chart. */
export type TipPlace = { left: number } | { right: number };

const GAP = 8;
const ZERO = /^-?0*(\.0*)?$/;

/** What was spent in a slot by the series that are drawn; series without any are left out. */
export function tipLines(chart: Chart, slot: number): TipLine[] {
  return chart.series.flatMap((series, at) => {
    const amount = chart.rows[slot]?.[at] ?? "0";
    return series.hidden || ZERO.test(amount) ? [] : [{ series, amount }];
  });
}

/** Right of the slot in the first half of the plot, left of it in the second: it never leaves the chart. */
export function tipPlace(chart: Chart, slot: number, width: number): TipPlace {
  const { x, w } = chart.slots[slot] ?? { x: 0, w: 0 };
  const middle = chart.plot.x + chart.plot.w / 2;
  return x + w / 2 <= middle ? { left: x + w + GAP } : { right: width - x + GAP };
}

/** Where a key moves the cursor; null if the key is not about it. Without a cursor it starts at the last day. */
export function cursorAfter(key: string, at: number | null, slots: number): number | null {
  const last = slots - 1;
  if (last < 0) return null;
  switch (key) {
    case "ArrowLeft":
      return at === null ? last : Math.max(0, at - 1);
    case "ArrowRight":
      return at === null ? last : Math.min(last, at + 1);
    case "Home":
      return 0;
    case "End":
      return last;
    default:
      return null;
  }
}
