// What Explore shows, in the words of its address: Usage's days and conditions, and `metric`, `by`, `then`, `top`. Pure.
import type { Condition, ExploreQuery, Field, GroupBy, Metric } from "../backend";
import type { Query } from "./router.svelte";
import { shown, withValue } from "./usage-query";

export type Explored = { query: ExploreQuery; compare: boolean };

/** What it is called in the address, after the screen: `#/usage/explore?metric=requests`. */
export const EXPLORE = "explore";

export const METRICS: { value: Metric; label: string }[] = [
  { value: "spend", label: "Spend" },
  { value: "requests", label: "Requests" },
  { value: "attempts", label: "Attempts" },
  { value: "failed_attempts", label: "Failed attempts" },
  { value: "failed_share", label: "Failed share of attempts" },
  { value: "input_tokens", label: "Tokens in" },
  { value: "output_tokens", label: "Tokens out" },
  { value: "cached_tokens", label: "Cached tokens" },
  { value: "cost_per_request", label: "Cost per request" },
  { value: "cost_per_thousand", label: "Cost per 1,000 requests" },
  { value: "cost_per_signal", label: "Cost per signal" },
  { value: "latency_p50", label: "Latency p50" },
  { value: "latency_p95", label: "Latency p95" },
  { value: "latency_p99", label: "Latency p99" },
  { value: "first_token_p50", label: "First token p50" },
  { value: "first_token_p95", label: "First token p95" },
];

/** The labels of calls, in the words of a sentence: "by model". */
export const LABELS: { value: GroupBy & Field; label: string }[] = [
  { value: "connection", label: "Connection" },
  { value: "provider", label: "Provider" },
  { value: "model", label: "Model" },
  { value: "feature", label: "Feature" },
  { value: "app", label: "App" },
  { value: "profile", label: "Profile" },
  { value: "type", label: "Kind of call" },
  { value: "outcome", label: "Status" },
  { value: "error", label: "Cause" },
  { value: "route", label: "Route" },
];

export const TOPS = ["3", "5", "10", "20"] as const;
const USUAL_TOP = 5;
/** What the engine calls the groups that are not among the first. */
export const OTHER = "+other";

export function explored(query: Query): Explored {
  const by = label(query["by"]) ?? "provider";
  const then = label(query["then"]);
  const { days, conditions, compare } = shown(query);
  const metric = METRICS.find(({ value }) => value === query["metric"])?.value ?? "spend";
  const top = Number(TOPS.find((value) => value === query["top"]) ?? USUAL_TOP);
  return { query: { days, conditions, metric, by, then: then === by ? null : then, top }, compare };
}

function label(name: string | undefined): (GroupBy & Field) | null {
  return LABELS.find(({ value }) => value === name)?.value ?? null;
}

/** The part of the address that says what is shown by which groups; what is usual is not said. */
export function explorePart({ metric, by, then, top }: Omit<ExploreQuery, "days" | "conditions">): Query {
  return {
    metric: metric === "spend" ? "" : metric,
    by: by === "provider" ? "" : by,
    then: then === by ? "" : (then ?? ""),
    top: top === USUAL_TOP ? "" : String(top),
  };
}

/** What has to hold of the attempts behind a row; `shown` are the keys beside "Other", which is none of these. */
export function behind(conditions: Condition[], field: Field, key: string, shown: string[]): Condition[] {
  if (key !== OTHER) return replaced(conditions, { field, relation: "is", values: [key] });
  return shown.reduce((all, one) => replaced(all, withValue(all, field, "is_not", one)), conditions);
}

/** The same conditions with this one in the place of the one like it. */
export function replaced(conditions: Condition[], next: Condition): Condition[] {
  const alike = ({ field, relation }: Condition) => field === next.field && relation === next.relation;
  return [...conditions.filter((condition) => !alike(condition)), next];
}
