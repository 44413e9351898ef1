// Which connections the list shows and in which order. Pure.
import type { Connection } from "../../backend";
import { magnitude } from "../../format";
import { connectionState, type ConnectionWord } from "../../presentation";
import type { Query } from "../../stores/router.svelte";

export type Sort = "priority" | "name" | "health" | "spend" | "used";
export type StatusFilter = "all" | "on" | "off" | "failing" | "limited" | "untested";
export type Filters = { text: string; provider: string; status: StatusFilter; sort: Sort };
export type Group = { provider: string; name: string; color: number; rows: Connection[] };

export const SORTS: { value: Sort; label: string }[] = [
  { value: "priority", label: "Priority" },
  { value: "name", label: "Name" },
  { value: "health", label: "Health" },
  { value: "spend", label: "Spend today" },
  { value: "used", label: "Last used" },
];
export const STATUSES: { value: StatusFilter; label: string }[] = [
  { value: "all", label: "All" },
  { value: "on", label: "On" },
  { value: "off", label: "Off" },
  { value: "failing", label: "Failing" },
  { value: "limited", label: "Limited" },
  { value: "untested", label: "Untested" },
];

export function filtersOf(query: Query): Filters {
  return {
    text: query["q"] ?? "",
    provider: query["provider"] ?? "all",
    status: STATUSES.find(({ value }) => value === query["status"])?.value ?? "all",
    sort: SORTS.find(({ value }) => value === query["sort"])?.value ?? "priority",
  };
}

export function matching(all: Connection[], { text, provider, status }: Filters): Connection[] {
  const words = text.trim().toLowerCase();
  return all.filter(
    (one) =>
      (provider === "all" || one.provider === provider) &&
      hasStatus(one, all, status) &&
      `${one.name} ${one.key} ${one.provider_name}`.toLowerCase().includes(words),
  );
}

function hasStatus(one: Connection, all: Connection[], status: StatusFilter): boolean {
  if (status === "all") return true;
  const word = connectionState(one, all).text;
  if (status === "on") return one.status !== "inactive";
  if (status === "off") return word === "Off";
  return word.toLowerCase() === status;
}

/** By provider, each in the order it is tried. Providers keep the order they came in. */
export function grouped(rows: Connection[]): Group[] {
  const providers = [...new Set(rows.map(({ provider }) => provider))];
  return providers.map((provider) => {
    const own = rows.filter((one) => one.provider === provider).sort((a, b) => a.priority - b.priority);
    return { provider, name: own[0]?.provider_name ?? provider, color: own[0]?.color ?? 6, rows: own };
  });
}

const TROUBLE: ConnectionWord[] = [
  "Failing",
  "Stopped",
  "Limited",
  "Degraded",
  "Untested",
  "Demo",
  "Healthy",
  "Standby",
  "Off",
];

export function sorted(rows: Connection[], sort: Exclude<Sort, "priority">, all: Connection[]): Connection[] {
  const trouble = (one: Connection) => TROUBLE.indexOf(connectionState(one, all).text);
  const orders: Record<typeof sort, (a: Connection, b: Connection) => number> = {
    name: (a, b) => a.name.localeCompare(b.name),
    health: (a, b) => trouble(a) - trouble(b),
    spend: (a, b) => magnitude(b.cost_today) - magnitude(a.cost_today),
    used: (a, b) => (b.last_used_at ?? 0) - (a.last_used_at ?? 0),
  };
  return [...rows].sort(orders[sort]);
}

/** `keys` with one moved to another place. */
export function moved(keys: string[], key: string, to: number): string[] {
  const rest = keys.filter((other) => other !== key);
  return [...rest.slice(0, to), key, ...rest.slice(to)];
}

const ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth"];

/** Place 0 is `first`. */
export function ordinal(place: number): string {
  return ORDINALS[place] ?? `number ${place + 1}`;
}
