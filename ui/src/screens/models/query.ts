// Which models the table shows and in which order: the address as a query to the engine, and back. Pure.
import type { Capability, Model, ModelQuery, ModelSort } from "../../backend";
import type { IconName } from "../../kit/icon";
import type { Query } from "../../stores/router.svelte";

export type Show = "all" | "pinned" | "unpriced" | "deprecated" | "gone";
export type Filters = {
  text: string;
  /** "" the connected ones, "*" every one, else a slug */
  provider: string;
  maxInput: string;
  minContext: string;
  can: Capability[];
  show: Show;
  sort: ModelSort;
  reversed: boolean;
};

export const CONNECTED = "";
export const EVERY = "*";

export const SHOWS: { value: Show; label: string }[] = [
  { value: "all", label: "All" },
  { value: "pinned", label: "Pinned" },
  { value: "unpriced", label: "Without a price" },
  { value: "deprecated", label: "Going away" },
  { value: "gone", label: "Gone" },
];
export const PRICES = [
  { value: "", label: "Any" },
  { value: "0", label: "Free" },
  ...["0.25", "0.5", "1", "3", "10"].map((value) => ({ value, label: `up to $${Number(value).toFixed(2)}` })),
];
export const CONTEXTS = [
  { value: "", label: "Any" },
  { value: "32000", label: "32K or more" },
  { value: "128000", label: "128K or more" },
  { value: "200000", label: "200K or more" },
  { value: "1000000", label: "1M or more" },
];
export const ABILITIES: { value: Capability; label: string; icon: IconName }[] = [
  { value: "tools", label: "Tools", icon: "tool" },
  { value: "json", label: "JSON", icon: "braces" },
  { value: "images", label: "Images", icon: "img" },
  { value: "reasoning", label: "Reasoning", icon: "brain" },
];
const SORTS: ModelSort[] = ["requests", "name", "input", "output", "mix", "context", "first_token"];
/** Columns that begin with the largest. */
const LARGEST_FIRST: ModelSort[] = ["requests", "context"];

export function filtersOf(query: Query): Filters {
  const one = <T extends string>(values: readonly T[], text: string | undefined, neutral: T): T =>
    values.find((value) => value === text) ?? neutral;
  const can = (query["can"] ?? "").split(",");
  return {
    text: query["q"] ?? "",
    provider: query["provider"] ?? CONNECTED,
    maxInput: one(
      PRICES.map(({ value }) => value),
      query["price"],
      "",
    ),
    minContext: one(
      CONTEXTS.map(({ value }) => value),
      query["context"],
      "",
    ),
    can: ABILITIES.map(({ value }) => value).filter((value) => can.includes(value)),
    show: one(
      SHOWS.map(({ value }) => value),
      query["show"],
      "all",
    ),
    sort: one(SORTS, query["sort"], "requests"),
    reversed: query["reversed"] === "1",
  };
}

const STATES = { deprecated: "deprecated", gone: "unavailable" } as const;

/** What the engine is asked for. Pins are the window's own: they are picked from the answer. */
export function queryOf({ text, provider, maxInput, minContext, can, show, sort, reversed }: Filters): ModelQuery {
  const named = provider !== CONNECTED && provider !== EVERY;
  return {
    provider: named ? provider : null,
    scope: provider === CONNECTED ? "connected" : "everything",
    text: text.trim(),
    capabilities: can,
    state: show === "deprecated" || show === "gone" ? STATES[show] : null,
    pricing: show === "unpriced" ? "unknown" : null,
    max_input: maxInput || null,
    min_context: minContext ? Number(minContext) : null,
    sort,
    reversed,
  };
}

export function shownOf(models: Model[], show: Show): Model[] {
  return show === "pinned" ? models.filter(({ pinned }) => pinned) : models;
}

/** Drops every filter and keeps the order. */
export const NO_FILTERS: Query = { q: "", provider: "", price: "", context: "", can: "", show: "" };

export function isFiltered({ text, provider, maxInput, minContext, can, show }: Filters): boolean {
  return (
    text !== "" || provider !== CONNECTED || maxInput !== "" || minContext !== "" || can.length > 0 || show !== "all"
  );
}

/** The address after a click on a heading: the other way round if it is sorted so already. */
export function sortedBy(filters: Filters, sort: ModelSort): Query {
  const reversed = filters.sort === sort && !filters.reversed;
  return { sort: sort === "requests" ? "" : sort, reversed: reversed ? "1" : "" };
}

export function direction(filters: Filters, sort: ModelSort): "ascending" | "descending" | null {
  if (filters.sort !== sort) return null;
  return LARGEST_FIRST.includes(sort) !== filters.reversed ? "descending" : "ascending";
}

/** An item of the address is `provider-slug/model`, or a provider's slug alone. */
export function itemOf(item: string): { provider: string; model: string } {
  const at = item.indexOf("/");
  return at < 0 ? { provider: item, model: "" } : { provider: item.slice(0, at), model: item.slice(at + 1) };
}
