// The state vocabulary of the product: one icon and one word for each state, the only ones.
import type { AttemptState, Connection, Stage, StripCell, Verdict } from "./backend";
import type { Tone } from "./errors";
import { absolute, percent } from "./format";
import type { IconName } from "./kit/icon";
import type { JackState } from "./kit/jack";
import type { Cell } from "./kit/Strip.svelte";

export type State = { text: string; icon: IconName; tone: Tone };
export type ConnectionWord =
  "Healthy" | "Degraded" | "Limited" | "Failing" | "Stopped" | "Standby" | "Off" | "Untested" | "Demo";

const LOOKS: Record<ConnectionWord, Omit<State, "text">> = {
  Healthy: { icon: "okc", tone: "ok" },
  Degraded: { icon: "tri", tone: "warn" },
  Limited: { icon: "gauge", tone: "warn" },
  Failing: { icon: "xoct", tone: "bad" },
  Stopped: { icon: "stop", tone: "bad" },
  Standby: { icon: "pause", tone: "off" },
  Off: { icon: "minus", tone: "off" },
  Untested: { icon: "ring", tone: "off" },
  Demo: { icon: "flask", tone: "off" },
};

/** The state of a connection among the others of the list. */
export function connectionState(connection: Connection, all: Connection[]): State & { text: ConnectionWord } {
  const text = connectionWord(connection, all);
  return { text, ...LOOKS[text] };
}

function connectionWord(connection: Connection, all: Connection[]): ConnectionWord {
  if (connection.status === "inactive") return "Off";
  if (connection.status === "suspended") return "Stopped";
  if (connection.health === "unknown") return untriedWord(connection, all);
  if (connection.health === "critical") return "Failing";
  if (connection.health === "degraded" || connection.health === "warning") return troubledWord(connection);
  return standsBy(connection, all) ? "Standby" : "Healthy";
}

// Without traffic the last test speaks; the Demo provider, part of Patchbay, says what it is instead of "Untested".
function untriedWord(connection: Connection, all: Connection[]): ConnectionWord {
  const verdict = connection.last_check?.verdict;
  if (verdict === "failed") return "Failing";
  if (verdict === "limited") return "Limited";
  if (verdict !== "passed") return connection.demo ? "Demo" : "Untested";
  return standsBy(connection, all) ? "Standby" : "Healthy";
}

function troubledWord({ last_error }: Connection): ConnectionWord {
  return last_error?.code === "rate_limited" || last_error?.code === "quota_exhausted" ? "Limited" : "Degraded";
}

// On, but nothing reaches it: one before it answers.
function standsBy(connection: Connection, all: Connection[]): boolean {
  const before = all.some(
    (other) =>
      other.provider === connection.provider &&
      other.priority < connection.priority &&
      other.status === "active" &&
      other.health === "healthy",
  );
  return before && connection.requests_today === 0;
}

const VERDICTS: Record<Verdict, State> = {
  passed: { text: "Passed", icon: "okc", tone: "ok" },
  failed: { text: "Failed", icon: "xoct", tone: "bad" },
  limited: { text: "Limited", icon: "gauge", tone: "warn" },
  not_run: { text: "Not run", icon: "minus", tone: "off" },
  unsupported: { text: "Works without", icon: "minus", tone: "off" },
};

export const verdictState = (verdict: Verdict): State => VERDICTS[verdict];

const VERDICT_JACKS: Record<Verdict, JackState> = {
  passed: "ok",
  failed: "bad",
  limited: "warn",
  not_run: "skip",
  unsupported: "skip",
};

/** `undefined`: not reached yet; `null`: running. */
export function verdictJack(verdict: Verdict | null | undefined): JackState {
  if (verdict === undefined) return "next";
  return verdict === null ? "now" : VERDICT_JACKS[verdict];
}

const ATTEMPTS: Record<AttemptState, State & { jack: JackState }> = {
  running: { text: "Running", icon: "clock", tone: "info", jack: "now" },
  streaming: { text: "Streaming", icon: "stream", tone: "info", jack: "now" },
  answered: { text: "Answered", icon: "okc", tone: "ok", jack: "ok" },
  failed: { text: "Failed", icon: "xoct", tone: "bad", jack: "bad" },
  limited: { text: "Limited", icon: "gauge", tone: "warn", jack: "warn" },
  skipped: { text: "Skipped", icon: "minus", tone: "off", jack: "skip" },
  cancelled: { text: "Cancelled", icon: "minus", tone: "off", jack: "skip" },
};

export const attemptState = (state: AttemptState) => ATTEMPTS[state];

const STAGE_NAMES: Record<Stage, string> = {
  dns: "DNS",
  tcp: "TCP",
  tls: "TLS",
  auth: "Auth",
  models: "Model list",
  completion: "Tiny completion",
  stream: "Stream",
  tools: "Tools",
  schema: "JSON schema",
  embeddings: "Embeddings",
};

export const stageName = (stage: Stage): string => STAGE_NAMES[stage];

/** The half-hours of the uptime strip. What is said of one is worded when it is asked for: a list has hundreds of them. */
export function stripCells(strip: StripCell[], zone: string): Cell[] {
  return strip.map(({ at, answered, failed, slow }) => {
    const total = answered + failed;
    const state =
      total === 0 ? "none" : failed > 0 && failed * 2 >= answered ? "failed" : failed > 0 || slow ? "slow" : "ok";
    const said = () => (total === 0 ? "no traffic" : `${percent((answered / total) * 10_000)} of ${total} answered`);
    return { state, title: () => `${absolute(at, zone)}: ${said()}${slow ? ", slow" : ""}` };
  });
}
