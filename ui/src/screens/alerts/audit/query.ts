// Which entries of the audit log are shown: from the address to a question for the backend. Pure.
import type { AuditQuery } from "../../../backend";
import type { Query } from "../../../stores/router.svelte";
import { ACTIONS, KINDS, WHO } from "./words";

export type Days = "all" | "1" | "7" | "30" | "90";
export type Filters = { text: string; who: string; action: string; kind: string; days: Days };

export const DAYS: { value: Days; label: string }[] = [
  { value: "all", label: "Any time" },
  { value: "1", label: "Last 24 h" },
  { value: "7", label: "Last 7 d" },
  { value: "30", label: "Last 30 d" },
  { value: "90", label: "Last 90 d" },
];
const DAY_MS = 86_400_000;

export function filtersOf(query: Query): Filters {
  const known = (words: Record<string, unknown>, name: string) =>
    query[name] && query[name] in words ? query[name] : "";
  return {
    text: query["q"] ?? "",
    who: known(WHO, "who"),
    action: known(ACTIONS, "action"),
    kind: known(KINDS, "kind"),
    days: DAYS.find(({ value }) => value === query["days"])?.value ?? "all",
  };
}

export function queryOf({ text, who, action, kind, days }: Filters, now: number): AuditQuery {
  return {
    text: text.trim() || null,
    actor: who || null,
    action: action || null,
    kind: kind || null,
    name: null,
    from: days === "all" ? null : now - Number(days) * DAY_MS,
    to: null,
  };
}

/** Whether anything is left out. */
export function filtered({ text, who, action, kind, days }: Filters): boolean {
  return !!(text.trim() || who || action || kind) || days !== "all";
}
