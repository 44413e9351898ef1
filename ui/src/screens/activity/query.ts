// What the Activity screen shows, in the words of its address: Usage's days and conditions, and `since` and `until` to the
// millisecond. Pure.
import type { ActivityQuery, ActivitySpan, Condition, Days } from "../../backend";
import type { Query } from "../../stores/router.svelte";
import { conditionPart, shown as usageShown } from "../../stores/usage-query";

export type Filters = ActivityQuery;

export function shown(query: Query): Filters {
  return {
    span: span(query),
    conditions: usageShown(query).conditions,
    lines: query["lines"] === "attempts" ? "attempts" : "calls",
  };
}

function span(query: Query): ActivitySpan {
  const until = moment(query["until"]);
  if (until !== null) return { kind: "moments", from: moment(query["since"]), to: until };
  const { days = "", from = "", to = "" } = query;
  return days || (from && to) ? { kind: "days", days: usageShown(query).days } : { kind: "any" };
}

function moment(text: string | undefined): number | null {
  const at = Number(text);
  return text && Number.isSafeInteger(at) ? at : null;
}

/** Drops whatever says when. */
export const ANY_TIME: Query = { since: "", until: "", days: "", from: "", to: "" };

/** The part of an address that means a span to the millisecond; without `from`, everything up to there. */
export function moments(from: number | null, to: number): Query {
  return { ...ANY_TIME, since: from === null ? "" : String(from), until: String(to) };
}

/** The address of the log of what a figure of another screen counts. Counts of attempts lead to attempts. */
export function leading(days: Days | null, conditions: Condition[], lines: ActivityQuery["lines"] = "calls"): Query {
  const when =
    days === null ? {} : days.kind === "last" ? { days: String(days.days) } : { from: days.from, to: days.to };
  const what = conditions.map((condition) => conditionPart(condition));
  const which = lines === "attempts" ? { lines } : {};
  return Object.assign({}, when, which, ...what);
}

/** The address without any filter, for `router.filter`. */
export function cleared({ conditions }: Filters): Query {
  return Object.assign({}, ANY_TIME, ...conditions.map((one) => conditionPart({ ...one, values: [] })));
}

/** Whether anything is left out. */
export function filtered({ span, conditions }: Filters): boolean {
  return span.kind !== "any" || conditions.length > 0;
}
