// Saved views and the address of the Usage screen: each says what the other does. Pure.
import type { Condition, Days, Shows } from "../backend";
import type { Query } from "./router.svelte";
import { EXPLORE, explored, explorePart } from "./explore-query";
import { conditionPart, shown } from "./usage-query";

/** What the screen shows at an address, to be saved. */
export function showsAt(item: string, query: Query): Shows {
  if (item === EXPLORE) return { screen: "explore", ...explored(query) };
  const { days, conditions, by, compare, unit } = shown(query);
  return { screen: "usage", query: { days, conditions, by }, compare, calendar: unit === "calendar" };
}

/** Where a saved view is: the item and the query of the Usage screen. */
export function addressOf(shows: Shows): { item: string; query: Query } {
  const { days, conditions } = shows.query;
  const what =
    shows.screen === "explore"
      ? explorePart(shows.query)
      : { by: shows.query.by === "provider" ? "" : shows.query.by, view: shows.calendar ? "calendar" : "" };
  const all = { ...daysPart(days), ...conditionsPart(conditions), ...what, compare: shows.compare ? "" : "off" };
  const query = Object.fromEntries(Object.entries(all).filter(([, text]) => text));
  return { item: shows.screen === "explore" ? EXPLORE : "", query };
}

/** Whether two views show the same, however their addresses are written. */
export function isSame(one: Shows, other: Shows): boolean {
  const [a, b] = [addressOf(one), addressOf(other)];
  const text = (query: Query) => JSON.stringify(Object.entries(query).sort());
  return a.item === b.item && text(a.query) === text(b.query);
}

function daysPart(days: Days): Query {
  return days.kind === "last" ? { days: String(days.days) } : { from: days.from, to: days.to };
}

function conditionsPart(conditions: Condition[]): Query {
  return Object.assign({}, ...conditions.map(conditionPart));
}
