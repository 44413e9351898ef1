// A price of the user's own, before it is one. Pure.
import type { PriceDraft, PriceTier, PriceVersion } from "../../backend";
import { startOfDay } from "../../days";

export type Amount = "input" | "output" | "cached" | "cacheWrite";
/** A line of the form, as typed. `above` is empty for the first, which holds for every prompt. */
export type Line = Record<Amount | "above", string>;

export const EMPTY: Line = { above: "", input: "", output: "", cached: "", cacheWrite: "" };

/** What the field of each amount has against its text; "" is nothing. */
export type Problems = Partial<Record<Amount | "above", string>>;

export const AMOUNTS: { field: Amount; label: string; optional: boolean }[] = [
  { field: "input", label: "Input", optional: false },
  { field: "output", label: "Output", optional: false },
  { field: "cached", label: "Cached input", optional: true },
  { field: "cacheWrite", label: "Cache write", optional: true },
];

// Prices are kept to the billionth of a dollar.
const DOLLARS = /^\d{1,9}(\.\d{1,9})?$/;

/** A price as people type it: `$0.15`, `0,15`. */
const plain = (text: string): string => text.trim().replace(/^\$/, "").replace(",", ".");

export function problemsOf(line: Line, at: number, before: Line | undefined): Problems {
  const problems: Problems = {};
  for (const { field, optional } of AMOUNTS) {
    const text = plain(line[field]);
    if (text ? !DOLLARS.test(text) : !optional) problems[field] = "Dollars, like 0.15; 0 is free";
  }
  if (at > 0) {
    const above = whole(line.above);
    const below = before ? whole(before.above) : null;
    if (above === null) problems.above = "A number of tokens, like 200000";
    else if (below !== null && above <= below) problems.above = "Above the line before";
  }
  return problems;
}

export function dateProblem(day: string, zone: string): string {
  return !day.trim() || startOfDay(day, zone) !== null ? "" : "A day like 2026-12-01, or empty for now";
}

export function hasProblem(lines: Line[]): boolean {
  return lines.some((line, at) => Object.keys(problemsOf(line, at, lines[at - 1])).length > 0);
}

export function draftOf(provider: string, model: string, lines: Line[], day: string, zone: string): PriceDraft {
  return { provider, model, effective_from: startOfDay(day, zone), tiers: lines.map(tierOf) };
}

function tierOf(line: Line): PriceTier {
  return {
    above_tokens: whole(line.above),
    input: plain(line.input),
    output: plain(line.output),
    cached: plain(line.cached) || null,
    cache_write: plain(line.cacheWrite) || null,
  };
}

/** The form begins with what counts now. */
export function linesOf(prices: PriceVersion[]): Line[] {
  const current = prices.find(({ in_effect }) => in_effect) ?? prices[0];
  const lines = (current?.tiers ?? []).map((tier) => ({
    above: tier.above_tokens?.toString() ?? "",
    input: tier.input,
    output: tier.output,
    cached: tier.cached ?? "",
    cacheWrite: tier.cache_write ?? "",
  }));
  return lines.length > 0 ? lines : [{ ...EMPTY }];
}

function whole(text: string): number | null {
  const typed = text.trim().replaceAll(/[,\s_]/g, "");
  return /^\d{1,9}$/.test(typed) && Number(typed) > 0 ? Number(typed) : null;
}
