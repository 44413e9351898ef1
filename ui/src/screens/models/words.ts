// What the catalogue says about models, prices and providers. Pure.
import type {
  Connection,
  Model,
  PriceSource,
  Protocol,
  ProviderCard,
  ProviderStatus,
  Reliance,
  SyncReport,
} from "../../backend";
import { moneyInFull, plural } from "../../format";
import { connectionState, type ConnectionWord, type State } from "../../presentation";

/** `$0.075`, `free`; "-" where it is not known. A price is never rounded: bots are billed by all of its digits. */
export function price(decimal: string | null): string {
  if (decimal === null) return "-";
  return Number(decimal) === 0 ? "free" : moneyInFull(decimal);
}

/** `400K`, `1.05M`; "-" where it is not known. */
export function contextSize(tokens: number | null): string {
  if (tokens === null) return "-";
  if (tokens >= 1_000_000) return `${Number((tokens / 1_000_000).toFixed(2))}M`;
  return tokens >= 1000 ? `${Math.round(tokens / 1000)}K` : String(tokens);
}

/** Whether a model can be called now. A day of its end comes before "Ready". */
export function reachState({ reach, state, retires_on }: Model): State {
  if (reach === "ready" && state === "deprecated") {
    return {
      text: retires_on ? `Ends ${dayOf(retires_on).replace(/ \d{4}$/, "")}` : "Going away",
      icon: "clock",
      tone: "warn",
    };
  }
  return REACHES[reach];
}

const REACHES: Record<Model["reach"], State> = {
  ready: { text: "Ready", icon: "okc", tone: "ok" },
  failing: { text: "Failing", icon: "xoct", tone: "bad" },
  off: { text: "Off", icon: "minus", tone: "off" },
  not_allowed: { text: "Not allowed", icon: "lock", tone: "off" },
  not_connected: { text: "Not connected", icon: "ring", tone: "off" },
  gone: { text: "Gone", icon: "tri", tone: "warn" },
};

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `2026-11-30` to `30 Nov 2026`: a day of a calendar, the same in every zone. */
export function dayOf(iso: string): string {
  const [year, month, day] = iso.split("-").map(Number);
  const name = MONTHS[(month ?? 0) - 1];
  return name ? `${day} ${name} ${year}` : iso;
}

const SOURCES: Record<PriceSource, string> = { user: "Yours", provider: "Provider's list", bundled: "Built in" };

export const priceSource = (source: PriceSource): string => SOURCES[source];

export const PROTOCOLS: { value: Protocol; label: string }[] = [
  { value: "openai", label: "OpenAI chat completions" },
  { value: "anthropic", label: "Anthropic messages" },
  { value: "gemini", label: "Gemini generateContent" },
];

export function protocolName(protocol: Protocol): string {
  return PROTOCOLS.find(({ value }) => value === protocol)?.label ?? "OpenAI responses";
}

export const STATUSES: { value: ProviderStatus; label: string }[] = [
  { value: "active", label: "Active" },
  { value: "maintenance", label: "Maintenance: nothing is sent to it" },
  { value: "deprecated", label: "Deprecated: answers, marked as to be left" },
];

// The worst first: what a provider's card says when its connections differ.
const TROUBLE: ConnectionWord[] = ["Failing", "Stopped", "Limited", "Degraded"];
const CALM: ConnectionWord[] = ["Healthy", "Standby", "Demo", "Untested"];

/** How a provider is: its own status first, then the worst of its connections that are on; "1 limited" if the others are not.
 * Null until its connections are known. */
export function providerState({ provider, connections }: ProviderCard, all: Connection[]): State | null {
  const own = all.filter((one) => one.provider === provider.slug);
  const states = own.map((one) => connectionState(one, all)).filter(({ text }) => text !== "Off");
  if (provider.status === "maintenance") return { text: "Maintenance", icon: "pause", tone: "off" };
  if (connections === 0) return REACHES.not_connected;
  // They are read apart from the cards, and may come later.
  if (own.length === 0) return null;
  if (states.length === 0) return REACHES.off;
  const having = (word: ConnectionWord) => states.filter(({ text }) => text === word);
  const [worst, ...like] = TROUBLE.map(having).find((found) => found.length > 0) ?? [];
  if (worst) {
    const amount = like.length + 1;
    return amount === states.length ? worst : { ...worst, text: `${amount} ${worst.text.toLowerCase()}` };
  }
  if (provider.status === "deprecated") return { text: "Deprecated", icon: "tri", tone: "warn" };
  return CALM.flatMap(having)[0] ?? REACHES.off;
}

/** `default model of conn_openai_main` */
export function relianceWords({ kind, name }: Reliance): string {
  if (kind === "default_model") return `default model of ${name}`;
  return `${kind} ${name}`;
}

/** What went wrong with a list, in one sentence; "" if nothing did. */
export function syncTrouble({ outcome, provider_name, asked }: SyncReport): string {
  switch (outcome) {
    case "done":
    case "stopped":
      return "";
    case "empty":
      return `${provider_name} named no model, so its models stay as they were.`;
    case "not_connected":
      return `${provider_name} has no connection that is on and has a key.`;
    case "failed": {
      const error = asked.find((one) => one.error)?.error;
      const why = error ? [error.message.replace(/\.?$/, "."), error.hint].filter(Boolean).join(" ") : "";
      return `The list of ${provider_name} was not read, so its models stay as they were. ${why}`.trim();
    }
  }
}

/** `214 attempts of the last 30 days` */
export const attemptsOf = (attempts: number): string => `${plural(attempts, "attempt")} of the last 30 days`;
