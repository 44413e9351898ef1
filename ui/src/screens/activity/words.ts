// How lines and stops of the log look. Pure.
import type { ActivityLine, Budget, CallDetail, CallPrice, CallStop } from "../../backend";
import type { Tone } from "../../errors";
import { count, duration, money, plural } from "../../format";
import type { IconName } from "../../kit/icon";
import type { JackState } from "../../kit/jack";
import type { OnItsWay } from "../../stores/activity.svelte";

export type Look = { text: string; icon: IconName; tone: Tone };

const LOOKS: Record<string, Look & { jack: JackState }> = {
  answered: { text: "Answered", icon: "okc", tone: "ok", jack: "ok" },
  failed: { text: "Failed", icon: "xoct", tone: "bad", jack: "bad" },
  limited: { text: "Limited", icon: "gauge", tone: "warn", jack: "warn" },
  cancelled: { text: "Cancelled", icon: "minus", tone: "off", jack: "skip" },
  cut: { text: "Cut off", icon: "stream", tone: "bad", jack: "bad" },
  interrupted: { text: "Interrupted", icon: "stop", tone: "off", jack: "bad" },
};
const UNKNOWN: Look & { jack: JackState } = { text: "Unknown", icon: "ring", tone: "off", jack: "skip" };

const lookOf = (outcome: string) => (Object.hasOwn(LOOKS, outcome) ? LOOKS[outcome]! : UNKNOWN);

/** The status column: a number where the provider gave one, and what happened on the way. */
export function lineLook(line: ActivityLine): Look {
  const look = lookOf(line.outcome);
  const said = line.status !== null && line.outcome !== "cancelled" ? String(line.status) : look.text;
  if (line.outcome === "answered" && line.via.length > 0) return { ...look, icon: "swap", text: `${said} moved` };
  if (line.outcome === "answered" && line.waited_ms > 0) return { ...look, text: `${said} waited` };
  if (!line.is_final) return { ...look, text: `${said} went on` };
  return { ...look, text: said };
}

/** A request that the ledger does not have yet. */
export function runningLook({ ended, is_streamed }: OnItsWay): Look {
  if (ended) return { text: "Ended", icon: "minus", tone: "off" };
  return { text: is_streamed ? "Streaming" : "In flight", icon: "stream", tone: "info" };
}

export const moreWords = (more: number): string => `${plural(more, "more request")} on the way`;

const PERIODS: Record<Budget["period"], string> = { day: "today", month: "this month" };

/** "$1.48 of $3.00 today, app news-digest" */
export function leftWords({ left, cap, extra, measure, period, scope }: Budget): string {
  const amount = (text: string) => (measure === "money" ? money(text) : count(Number(text)));
  const more = Number(extra) > 0 ? ` + ${amount(extra)}` : "";
  const unit = measure === "money" ? "" : ` ${measure}`;
  const whose = scope.kind === "all" ? "all traffic" : `${scope.kind} ${scope.name}`;
  return `${amount(left)} of ${amount(cap)}${more}${unit} ${PERIODS[period]}, ${whose}`;
}

/** The pill above a call's way. */
export function callLook({ outcome, attempts }: CallDetail): Look {
  const look = lookOf(outcome);
  return outcome === "answered" && attempts > 1
    ? { ...look, icon: "swap", text: "Answered after failover" }
    : { ...look, text: look.text };
}

export function stopLook(stop: CallStop): Look & { jack: JackState } {
  if (stop.kind === "skipped") return { text: "Skipped", icon: "minus", tone: "off", jack: "skip" };
  const look = lookOf(stop.outcome);
  return { ...look, text: stop.status === null ? look.text : String(stop.status) };
}

/** What happened at a stop, in a sentence. */
export function stopWords(stop: CallStop): string {
  if (stop.kind === "skipped") return sentence(stop.reason);
  const words = stop.waited_ms > 0 ? [`Waited ${duration(stop.waited_ms)} in line.`] : [];
  if (stop.held_ms > 0) words.push(`A drill held it back for ${duration(stop.held_ms)}.`);
  if (stop.outcome === "answered" && stop.first_token_ms !== null) {
    const rest = stop.took_ms - stop.first_token_ms;
    words.push(`First token after ${duration(stop.first_token_ms)}, the rest in ${duration(rest)}.`);
  } else if (stop.outcome === "answered") {
    words.push(`Answered in ${duration(stop.took_ms)}.`);
  } else {
    words.push(`${stop.reason || lookOf(stop.outcome).text} after ${duration(stop.took_ms)}.`);
  }
  return words.join(" ");
}

function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

/** "2 attempts, 1 skipped" */
export function routeWords(detail: CallDetail): string {
  const skipped = detail.stops.filter(({ kind }) => kind === "skipped").length;
  const attempts = `${count(detail.attempts)} ${detail.attempts === 1 ? "attempt" : "attempts"}`;
  return skipped > 0 ? `${attempts}, ${skipped} skipped` : attempts;
}

const SOURCES: Record<CallPrice["source"], string> = {
  user: "your own price",
  provider: "the provider's list",
  bundled: "the table in this program",
};

/** "$0.25 in, $2.00 out per 1M, the table in this program" */
export function priceWords({ source, tier }: CallPrice): string {
  const parts = [`${money(tier.input)} in`, `${money(tier.output)} out`];
  if (tier.cached !== null) parts.push(`${money(tier.cached)} cached`);
  if (tier.cache_write !== null) parts.push(`${money(tier.cache_write)} to the cache`);
  const above = tier.above_tokens === null ? "" : ` above ${count(tier.above_tokens)} tokens`;
  return `${parts.join(", ")} per 1M${above}, ${SOURCES[source]}`;
}

const COSTS: Record<string, string> = {
  reported: "as the provider charged it",
  priced: "tokens times price",
  estimated: "estimated tokens times price",
  unknown: "not known",
};

export const costWords = (source: string): string => COSTS[source] ?? source;

const LEVELS: Record<string, string> = {
  call: "the call",
  profile: "the profile",
  connection: "the connection",
  provider: "the provider",
  built_in: "Patchbay",
};

export const levelWords = (level: string): string => LEVELS[level] ?? level;

/** "temperature", "max tokens": a field of a profile's document as people read it. */
export const settingWords = (name: string): string => name.replace(/_s$/, ", seconds").replaceAll("_", " ");
