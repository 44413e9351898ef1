import { day } from "../../../format";
import { alerts } from "../../../stores/alerts.svelte";
import { preferences } from "../../../stores/preferences.svelte";

/** What an empty list says. */
export function calm(shown: "open" | "snoozed" | "closed"): { title: string; text: string } {
  if (shown === "snoozed") return { title: "No alert is snoozed", text: "Z on an alert keeps it quiet for an hour." };
  if (shown === "closed")
    return { title: "No alert has closed yet", text: "Alerts close themselves when their cause ends." };
  const last = alerts.all.closed[0]?.closed_at;
  const text = last
    ? `Last alert closed ${day(last, preferences.zone)}.`
    : "Budgets, keys, limits and providers are watched.";
  return { title: "Nothing needs you", text };
}
