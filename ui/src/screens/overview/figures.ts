// What the figures of the overview say in words. Pure.
import type { App, Overview, Totals } from "../../backend";

/** What the overview calls an app or a feature that nobody named. */
export const NOBODY = "(none)";

/** The change in whole percent; null where there is nothing to compare with. */
export function change(now: number, before: number): number | null {
  return before > 0 ? Math.round(((now - before) / before) * 100) : null;
}

/** Share of today's calls that were answered, in basis points; null without calls. */
export function answered({ calls, answered_calls }: Pick<Totals, "calls" | "answered_calls">): number | null {
  return calls > 0 ? (answered_calls / calls) * 10_000 : null;
}

/** `America/New_York` is "New York time". */
export function zoneName(zone: string): string {
  const place = zone.split("/").at(-1)?.replaceAll("_", " ") ?? zone;
  return zone.includes("/") && !zone.startsWith("Etc/") ? `${place} time` : place;
}

/** No bot has ever called. A call without a price leaves no spend, so the apps are asked too. */
export function isFresh({ today, spend_30d, unpriced, calls_by_hour }: Overview, apps: App[]): boolean {
  const counted = today.calls + unpriced.attempts + calls_by_hour.reduce((sum, calls) => sum + calls, 0);
  return counted === 0 && Number(spend_30d) === 0 && apps.every(({ last_used_at }) => last_used_at === null);
}

/** `llama3.3`, `a and b`, `a, b and 3 more`. */
export function named(models: string[]): string {
  const [first = "", second] = models;
  if (models.length <= 2) return second ? `${first} and ${second}` : first;
  return `${first}, ${second} and ${models.length - 2} more`;
}
