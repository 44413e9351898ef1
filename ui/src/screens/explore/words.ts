// What Explore says. Pure.
import type { ExploreRow, ExploreView, Metric, Unit } from "../../backend";
import { changeWords } from "../../format";
import { figure, type Written } from "../../kit/chart";
import { exactChange, points } from "../usage/words";
import { LABELS, METRICS } from "../../stores/explore-query";

export const metricWords = (metric: Metric) => METRICS.find(({ value }) => value === metric)?.label ?? metric;
export const labelWords = (label: string) => LABELS.find(({ value }) => value === label)?.label ?? label;

/** What a row counts: requests, or attempts where the number is of these. */
export type Lines = "calls" | "attempts";
export function linesOf(metric: Metric): Lines {
  return ["attempts", "failed_attempts", "failed_share"].includes(metric) ? "attempts" : "calls";
}

/** Whether the number is of attempts that failed. */
export function isOfFailures(metric: Metric): boolean {
  return metric === "failed_attempts" || metric === "failed_share";
}

/** How the number is written: the cost of one request or signal is no sum. */
export function writtenAs(metric: Metric, unit: Unit): Written {
  return metric === "cost_per_request" || metric === "cost_per_signal" ? "usd_each" : unit;
}

/** How a number changed: shares by points, all else in percent; null where there is nothing to compare with. */
export function change(unit: Written, { value, before }: Pick<ExploreRow, "value" | "before">) {
  if (value === null || before === null) return null;
  const [now, then] = [Number(value), Number(before)];
  if (unit === "share") return { by: now - then, text: points(now - then) };
  const by = exactChange(now, then);
  return by === null ? null : { by, text: changeWords(by) };
}

/** All rows as text with tabs, for a spreadsheet: every digit. */
export function exploreText({ groups, whole, unit, adds_up }: ExploreView, heads: [string, string, string]): string {
  // A name that begins like a formula is text all the same.
  const plain = (name: string) => (/^[=+\-@]/.test(name) ? `'${name}` : name);
  const cells = (group: string, inner: string, row: ExploreRow) =>
    [plain(group), plain(inner), row.value ?? "", row.before ?? "", row.calls].join("\t");
  const unitWords = { usd: "USD", ms: "ms", share: "basis points", count: "" }[unit];
  const head = [heads[0], heads[1], [heads[2], unitWords].filter(Boolean).join(" "), "Before", "Requests"].join("\t");
  const lines = groups.flatMap(({ row, inside }) =>
    inside.length > 0 ? inside.map((inner) => cells(row.name, inner.name, inner)) : [cells(row.name, "", row)],
  );
  return [head, ...lines, cells(adds_up ? "Total" : "All", "", whole)].join("\n");
}

export const number = (unit: Written, value: string | null) => (value === null ? "-" : figure(unit, value));
