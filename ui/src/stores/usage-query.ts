// What the Usage screen shows, in the words of its address: `?days=30&by=model&not.app=playground`. Pure.
import type { Condition, Days, Field, GroupBy, UsageQuery } from "../backend";
import type { Query } from "./router.svelte";

export type Shown = UsageQuery & { compare: boolean; unit: "spend" | "calendar" };

/** The days that were looked at, as they are told. */
export type Span = { from: string; to: string; days: number };

export const PRESETS = [
  { value: "1", label: "Today" },
  { value: "7", label: "7 d" },
  { value: "30", label: "30 d" },
  { value: "90", label: "90 d" },
] as const;

export const GROUPS: { value: GroupBy; label: string }[] = [
  { value: "connection", label: "Connection" },
  { value: "provider", label: "Provider" },
  { value: "model", label: "Model" },
  { value: "feature", label: "Feature" },
  { value: "app", label: "App" },
];

export const FIELDS: { field: Field; label: string }[] = [
  { field: "connection", label: "Connection" },
  { field: "provider", label: "Provider" },
  { field: "model", label: "Model" },
  { field: "feature", label: "Feature" },
  { field: "app", label: "App" },
  { field: "profile", label: "Profile" },
  { field: "type", label: "Kind of call" },
  { field: "outcome", label: "Status" },
  { field: "error", label: "Cause" },
  { field: "route", label: "Route" },
  { field: "signal", label: "Signal" },
];

/** What a row of the table opens to, one after the other. */
export const NEXT: Partial<Record<GroupBy, GroupBy>> = {
  provider: "model",
  connection: "model",
  model: "app",
  feature: "app",
  app: "model",
};

const RELATIONS = { is: "is", is_not: "not" } as const;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

export function shown(query: Query): Shown {
  const by = GROUPS.find(({ value }) => value === query["by"])?.value ?? "provider";
  return {
    days: days(query),
    conditions: conditions(query),
    by,
    compare: query["compare"] !== "off",
    unit: query["view"] === "calendar" ? "calendar" : "spend",
  };
}

function days(query: Query): Days {
  const { from = "", to = "" } = query;
  if (DAY.test(from) && DAY.test(to)) return { kind: "between", from, to };
  const count = Number(query["days"]);
  return { kind: "last", days: Number.isInteger(count) && count > 0 ? Math.min(count, 3653) : 30 };
}

function conditions(query: Query): Condition[] {
  return FIELDS.flatMap(({ field }) =>
    (["is", "is_not"] as const).flatMap((relation) => {
      const values = query[`${RELATIONS[relation]}.${field}`];
      return values === undefined ? [] : [{ field, relation, values: values.split(",").map(decoded) }];
    }),
  );
}

/** The part of the address that holds one condition; without values it is dropped. */
export function conditionPart({ field, relation, values }: Condition): Query {
  return { [`${RELATIONS[relation]}.${field}`]: values.map(encoded).join(",") };
}

// Nobody said: an empty value would be dropped from the address, so it has a name that no label has.
const NOBODY = "~";

function encoded(value: string): string {
  return value === "" ? NOBODY : encodeURIComponent(value);
}

function decoded(part: string): string {
  if (part === NOBODY) return "";
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The same conditions with one more value. */
export function withValue(all: Condition[], field: Field, relation: Condition["relation"], value: string): Condition {
  const known = all.find((condition) => condition.field === field && condition.relation === relation);
  const values = known?.values ?? [];
  return { field, relation, values: values.includes(value) ? values : [...values, value] };
}

/** "10 Nov to 9 Dec"; one day is just that. With a year where it is not this one. */
export function spanWords(from: string, to: string, today: string): string {
  const year = today.slice(0, 4);
  const words = (iso: string) => {
    const [y = 0, m = 1, d = 1] = iso.split("-").map(Number);
    const text = new Date(Date.UTC(y, m - 1, d)).toLocaleDateString("en-GB", {
      day: "numeric",
      month: "short",
      timeZone: "UTC",
    });
    return iso.startsWith(year) ? text : `${text} ${y}`;
  };
  return from === to ? words(from) : `${words(from)} to ${words(to)}`;
}

/** "November 2026": the month of a day. */
export function monthWords(iso: string): string {
  const words = { month: "long", year: "numeric", timeZone: "UTC" } as const;
  return new Date(`${iso.slice(0, 7)}-01T00:00:00Z`).toLocaleDateString("en-GB", words);
}

/** "prior 30 d", "the day before" */
export function priorWords(count: number): string {
  return count === 1 ? "day before" : `prior ${count} d`;
}
