// How each kind of alert is called, and what mends it.
import type { Alert, AlertKind, AlertLimits, Condition, Field, Severity } from "../../../backend";
import type { Tone } from "../../../errors";
import { money } from "../../../format";
import type { IconName } from "../../../kit/icon";
import { router, type Query } from "../../../stores/router.svelte";
import { leading, moments } from "../../activity/query";
import { FIELDS } from "../../../stores/usage-query";

type Words = {
  /** the rule, as the list of rules calls it */
  rule: string;
  /** when it speaks */
  when: (limits: AlertLimits) => string;
  /** the word beside an alert's title */
  pill: string;
  icon: IconName;
};

const hour = (at: number) => `${String(at).padStart(2, "0")}:00`;
const plain = (rule: string, when: string, pill: string, icon: IconName): Words => ({
  rule,
  when: () => when,
  pill,
  icon,
});

export const kinds: Record<AlertKind, Words> = {
  needs_attention: plain("Connection needs you", "key refused, not allowed, or no quota left", "Failing", "xoct"),
  breaker_open: plain("Connection failing", "5 failures in 5 min, then it rests", "Failing", "xoct"),
  standby_took_over: plain("Standby key took over", "the live key was refused", "Key", "key"),
  no_candidate: plain("Nobody can answer", "a call finds no connection", "No route", "plug"),
  limit_reached: plain("Rate limit reached", "a call is told to come back", "Limited", "gauge"),
  budget: plain("Budget", "at each of its levels", "Budget", "tri"),
  idle_spend: {
    rule: "Spend in idle hours",
    when: ({ idle_spend, idle_from, idle_until }) =>
      `over ${money(idle_spend)} from ${hour(idle_from)} to ${hour(idle_until)}`,
    pill: "Spend",
    icon: "clock",
  },
  loop: {
    rule: "Same prompt in a circle",
    when: ({ loop_times, loop_minutes }) => `${loop_times} times in ${loop_minutes} min`,
    pill: "Circle",
    icon: "refresh",
  },
  unknown_price: plain("Price unknown", "a model without a price is called", "Price", "infoc"),
  model_gone: plain("Model is gone", "its provider no longer has it", "Model", "layers"),
  credential_age: plain("Key is old", "past its reminder, or a week before it ends", "Key", "key"),
  low_balance: {
    rule: "Account is low",
    when: ({ low_balance }) => `less than ${money(low_balance)} left, where the provider tells it`,
    pill: "Balance",
    icon: "gauge",
  },
  offline: plain("No network", "this machine has none", "Offline", "globe"),
  gateway_down: plain("Gateway not reachable", "its port is taken or blocked", "Gateway", "server"),
  ledger_failing: plain("Ledger failing", "rows cannot be written", "Ledger", "db"),
};

export const tones: Record<Severity, Tone> = { info: "info", warn: "warn", bad: "bad" };

export type Fix = { label: string; icon: IconName; run: () => void };

/** What mends it; null where nothing in this window would. */
export function fix({ kind, subject }: Alert): Fix | null {
  const key = subject.split("/")[0] ?? "";
  switch (kind) {
    case "needs_attention":
      return go("Fix key", "key", () => router.open("connections", subject, { focus: "secret" }));
    case "breaker_open":
      return go("Test", "bolt", () => router.open("connections", subject, { tab: "test" }));
    case "standby_took_over":
      return go("Keys", "key", () => router.open("connections", subject.replace(/ v\d+$/, ""), { tab: "credentials" }));
    case "credential_age":
      return go("Keys", "key", () => router.open("connections", subject, { tab: "credentials" }));
    case "model_gone":
      return go("Open", "plug", () => router.open("connections", key));
    case "no_candidate":
    case "limit_reached":
      return go("Connections", "plug", () => router.open("connections", ""));
    case "unknown_price":
      return go("Set price", "pen", () => router.open("models", subject));
    case "loop":
      return go("App", "apps", () => router.open("apps", subject));
    case "idle_spend":
      return go("Usage", "chart", () => router.open("usage", ""));
    case "budget":
      return ofBudget(subject);
    case "low_balance":
      return go("Open", "plug", () => router.open("connections", subject));
    case "gateway_down":
      return go("Gateway", "server", () => router.open("settings", "gateway"));
    case "offline":
    case "ledger_failing":
      return null;
  }
}

const LEAD_MS = 5 * 60_000;
const LASTS_MS = 60 * 60_000;

/** The address of the requests behind an alert: from shortly before it opened to its end, for an hour where it lasts. */
export function evidence(alert: Alert): Query | null {
  const of = conditionOf(alert);
  if (!of) return null;
  const to = alert.closed_at ?? alert.opened_at + LASTS_MS;
  return { ...leading(null, of, "attempts"), ...moments(alert.opened_at - LEAD_MS, to) };
}

/** Whose requests an alert is about; null where it is about none. */
function conditionOf({ kind, subject }: Alert): Condition[] | null {
  const only = (field: Field, value: string): Condition[] => [{ field, relation: "is", values: [value] }];
  switch (kind) {
    case "needs_attention":
    case "breaker_open":
      return only("connection", subject.split(/[/ ]/)[0] ?? "");
    case "low_balance":
      return only("connection", subject);
    case "standby_took_over":
      return only("connection", subject.replace(/ v\d+$/, ""));
    case "loop":
      return only("app", subject);
    case "unknown_price":
      return only("model", subject.split("/").slice(1).join("/") || subject);
    case "budget": {
      const [field = "", name = ""] = (subject.split(",")[0] ?? "").split(/:(.*)/);
      return FIELDS.some((one) => one.field === field) ? only(field as Field, name) : [];
    }
    case "no_candidate":
    case "limit_reached":
    case "idle_spend":
    case "offline":
      return [];
    case "model_gone":
    case "credential_age":
    case "gateway_down":
    case "ledger_failing":
      return null;
  }
}

/** `app:bot, money per day`: to where that budget is set. */
function ofBudget(subject: string): Fix {
  const [kind = "", name = ""] = (subject.split(",")[0] ?? "").split(/:(.*)/);
  if (kind === "connection") {
    return go("Budget", "pen", () => router.open("connections", name, { tab: "limits" }));
  }
  return go("Budget", "pen", () => router.open("settings", "budget"));
}

function go(label: string, icon: IconName, run: () => void): Fix {
  return { label, icon, run };
}

const steps: Record<string, string> = {
  opened: "Opened",
  graver: "Became graver",
  eased: "Eased",
  told: "Desktop notice",
  acknowledged: "Acknowledged",
  snoozed: "Snoozed",
  woken: "Quiet is over",
  closed: "Closed itself: the cause ended",
};
export const step = (what: string): string => steps[what] ?? what;
