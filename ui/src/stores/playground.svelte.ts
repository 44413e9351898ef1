import { EMPTY, formatOf, formOf, UNSHAPED, type Shape, type Shaped } from "./profile-form";
import {
  asBackendError,
  backend,
  type Attachment,
  type CommandError,
  type PlaygroundEstimate,
  type PlaygroundEvent,
  type PlaygroundRequest,
  type PlaygroundResult,
  type RouteAttempt,
} from "../backend";
import { Resource } from "./resource.svelte";
import { toasts } from "./toasts.svelte";

const KEPT = 50;
/** An estimate follows the keys at this distance. */
const SETTLE_MS = 300;
const GRACE_MS = 2000;
const UNSAID: CommandError = { code: "internal", message: "The run ended without an answer", hint: "Run it again." };

/** What is known of a run so far. */
export type Trace = {
  startedAt: number;
  /** null while it runs */
  endedAt: number | null;
  attempts: RouteAttempt[];
  text: string;
  result: PlaygroundResult | null;
  error: CommandError | null;
};

export const begun = (startedAt: number): Trace => ({
  startedAt,
  endedAt: null,
  attempts: [],
  text: "",
  result: null,
  error: null,
});

/** The trace after one more event. What comes after the end changes nothing. */
export function folded(trace: Trace, event: PlaygroundEvent, now: number): Trace {
  if (trace.endedAt !== null) return trace;
  switch (event.event) {
    case "started":
      return trace;
    case "attempt":
      return { ...trace, attempts: withAttempt(trace.attempts, event.attempt) };
    case "delta":
      return { ...trace, text: trace.text + event.text };
    case "finished":
      return { ...trace, endedAt: now, result: event.result, attempts: closed(trace, "answered", now) };
    case "failed": {
      const state = event.error.code === "cancelled" ? "cancelled" : "failed";
      return { ...trace, endedAt: now, error: event.error, attempts: closed(trace, state, now) };
    }
  }
}

function withAttempt(attempts: RouteAttempt[], attempt: RouteAttempt): RouteAttempt[] {
  return [...attempts.filter(({ number }) => number !== attempt.number), attempt].sort((a, b) => a.number - b.number);
}

// An attempt that nobody ended ends with the run.
function closed({ attempts, startedAt }: Trace, state: RouteAttempt["state"], now: number): RouteAttempt[] {
  return attempts.map((attempt) => {
    if (attempt.state !== "running" && attempt.state !== "streaming") return attempt;
    return { ...attempt, state, took_ms: attempt.took_ms ?? Math.max(0, now - startedAt - attempt.started_ms) };
  });
}

/** From the start of the run to its first token, as soon as it is known: attempts before that one count too. */
export function firstToken({ result, attempts }: Trace): number | null {
  const answering = attempts.findLast((attempt) => attempt.first_token_ms !== null);
  if (!answering) return result?.first_token_ms ?? null;
  return answering.started_ms + (answering.first_token_ms ?? 0);
}

/** How long the run took, or takes until now. */
export function elapsed({ result, startedAt, endedAt }: Trace, now: number): number {
  return result?.total_ms ?? Math.max(0, (endedAt ?? now) - startedAt);
}

/** One prompt on its way to one model. */
export class Run {
  readonly id: string;
  readonly request: PlaygroundRequest;
  #trace = $state.raw<Trace>(begun(Date.now()));
  #stopping = $state(false);

  constructor(id: string, request: PlaygroundRequest) {
    this.id = id;
    this.request = request;
  }

  get trace() {
    return this.#trace;
  }
  get running(): boolean {
    return this.#trace.endedAt === null;
  }
  get stopping(): boolean {
    return this.#stopping && this.running;
  }

  async start() {
    try {
      await backend.playgroundRun(this.id, this.request, (event) => this.#fold(event));
      // Events travel beside the answer: the last of them may still be on its way.
      setTimeout(() => this.#fold({ event: "failed", error: UNSAID }), GRACE_MS);
    } catch (thrown) {
      const { code, message, hint } = asBackendError(thrown);
      this.#fold({ event: "failed", error: { code, message, hint } });
    }
  }

  async stop() {
    if (!this.running) return;
    this.#stopping = true;
    try {
      await backend.playgroundStop(this.id);
    } catch (thrown) {
      this.#stopping = false;
      toasts.failed(thrown);
    }
  }

  #fold(event: PlaygroundEvent) {
    this.#trace = folded(this.#trace, event, Date.now());
  }
}

/** A prompt as it was sent, to one model or to two side by side. */
export type Entry = { id: number; at: number; prompt: string; attachment: Attachment | null; runs: Run[] };

class Playground implements Shaped {
  readonly #targets = new Resource(backend.targets, ["connections", "settings"]);

  prompt = $state("");
  system = $state("");
  /** as typed; "" is not sent */
  temperature = $state("");
  maxTokens = $state("");
  /** the shape of the answer, and tools */
  form = $state<Shape>({ ...UNSHAPED });
  /** what goes along */
  attachment = $state.raw<Attachment | null>(null);
  /** what it takes at most, for each column; null where nobody would answer */
  #estimates = $state.raw<(PlaygroundEstimate | null)[]>([]);
  /** what the columns A and B send to */
  chosen = $state<[string, string]>(["", ""]);
  compare = $state(false);

  #history = $state.raw<Entry[]>([]);
  #shown = $state(0);
  #next = 1;
  /** how often an estimate became due: an answer to one before is of another prompt */
  #asked = 0;

  get targets() {
    return this.#targets.value ?? [];
  }
  get loading() {
    return this.#targets.loading;
  }
  get error() {
    return this.#targets.error;
  }
  /** of this session, newest first; gone when the window closes */
  get history(): Entry[] {
    return this.#history;
  }
  get shown(): Entry | null {
    return this.#history.find(({ id }) => id === this.#shown) ?? null;
  }
  get running(): boolean {
    return this.shown?.runs.some((run) => run.running) ?? false;
  }
  get temperatureProblem(): string {
    return this.temperature.trim() === "" || centi(this.temperature) !== null ? "" : "0 to 2, like 0.3";
  }
  get maxTokensProblem(): string {
    return this.maxTokens.trim() === "" || whole(this.maxTokens) !== null ? "" : "A whole number from 1";
  }
  /** why it cannot be sent, "" if it can */
  get blocked(): string {
    if (this.#models.some((model) => model === "")) return "Pick a model first";
    if (!this.prompt.trim()) return "Write a prompt first";
    const wrong = this.temperatureProblem || this.maxTokensProblem || this.problem("response_format");
    return wrong ? "Check the settings" : "";
  }
  get estimates() {
    return this.#estimates;
  }

  readonly #format = $derived(formatOf(this.form, null));

  problem(field: string): string {
    return field === "response_format" && typeof this.#format === "string" ? this.#format : "";
  }
  /** what a model lacks is told by the run */
  hint(): string {
    return "";
  }

  /** Looks at a file, and lets it go along. */
  async attach(path: string) {
    try {
      this.attachment = await backend.playgroundAttach(path);
    } catch (thrown) {
      toasts.failed(thrown);
    }
  }

  /** Asks what the prompt would take, a moment after the last key. Call it in an effect. */
  follow(): () => void {
    const requests = this.blocked ? [] : this.#models.map((model) => this.request(model));
    this.#asked += 1;
    if (requests.length === 0) this.#estimates = [];
    const timer = setTimeout(() => void this.#estimate(requests), SETTLE_MS);
    return () => clearTimeout(timer);
  }

  async #estimate(requests: PlaygroundRequest[]) {
    const asked = this.#asked;
    // Where it is refused, Run asks the same and shows what is said.
    const estimates = await Promise.all(requests.map(backend.playgroundEstimate)).catch(() => []);
    if (asked === this.#asked) this.#estimates = estimates;
  }

  watch() {
    return this.#targets.watch();
  }
  reload() {
    return this.#targets.reload();
  }

  /** Fills columns that have no model yet: the first that can be used, and another one beside it. */
  fill() {
    const usable = this.targets.filter((target) => target.usable);
    const [first] = usable;
    if (!this.chosen[0] && first) this.chosen[0] = first.id;
    const other = usable.find(({ id, model }) => id !== this.chosen[0] && model !== first?.model) ?? usable[1];
    if (!this.chosen[1] && other) this.chosen[1] = other.id;
  }

  /** The request as it would be sent to a model now. */
  request(model: string): PlaygroundRequest {
    return {
      model,
      system: this.system.trim() || null,
      prompt: this.prompt.trim(),
      temperature_centi: centi(this.temperature),
      max_tokens: whole(this.maxTokens),
      response_format: typeof this.#format === "string" ? null : this.#format,
      tools: $state.snapshot(this.form.tools as unknown) as Shape["tools"],
      tool_choice: this.form.tools.length > 0 ? this.form.choice : null,
      attachment: this.attachment?.path ?? null,
    };
  }

  run() {
    if (this.blocked || this.running) return;
    const id = this.#next++;
    const at = Date.now();
    const runs = this.#models.map((model, column) => new Run(`playground-${at}-${id}-${column}`, this.request(model)));
    const entry = { id, at, prompt: this.prompt.trim(), attachment: this.attachment, runs };
    this.#history = [entry, ...this.#history].slice(0, KEPT);
    this.#shown = id;
    for (const run of runs) void run.start();
  }

  stop() {
    for (const run of this.shown?.runs ?? []) void run.stop();
  }

  /** Brings an earlier prompt back with its settings and answers. */
  show(entry: Entry) {
    this.#shown = entry.id;
    const [first] = entry.runs;
    if (!first) return;
    const { system, temperature_centi, max_tokens, response_format, tools, tool_choice } = first.request;
    const { format, schemaName, schema } = formOf({ ...EMPTY, response_format });
    this.form = { ...UNSHAPED, format, schemaName, schema, tools, choice: tool_choice };
    this.attachment = entry.attachment;
    this.prompt = entry.prompt;
    this.system = system ?? "";
    this.temperature = temperature_centi === null ? "" : String(temperature_centi / 100);
    this.maxTokens = max_tokens === null ? "" : String(max_tokens);
    this.compare = entry.runs.length > 1;
    const [a, b] = entry.runs.map((run) => run.request.model);
    this.chosen = [a ?? this.chosen[0], b ?? this.chosen[1]];
  }

  /** Forgets the history; what still runs stays, so that it can be stopped. */
  clear() {
    this.#history = this.#history.filter(({ runs }) => runs.some((run) => run.running));
  }

  get #models(): string[] {
    return (this.compare ? this.chosen : this.chosen.slice(0, 1)).map((model) => model.trim());
  }
}

/** `0.3` to 30; null unless it is 0 to 2. */
export function centi(text: string): number | null {
  const typed = text.trim().replace(",", ".");
  const value = /^\d+(\.\d*)?$|^\.\d+$/.test(typed) ? Math.round(Number(typed) * 100) : NaN;
  return value >= 0 && value <= 200 ? value : null;
}

function whole(text: string): number | null {
  const typed = text.trim();
  return /^\d{1,7}$/.test(typed) && Number(typed) > 0 ? Number(typed) : null;
}

export const playground = new Playground();
