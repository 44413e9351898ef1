// A profile as the editor holds it: what is typed, and the document that it makes. Pure.
import type {
  AnyJson,
  ToolUse,
  AnswerFormat,
  FullPolicy,
  Spec,
  SpecTarget,
  ToolSpec,
  WhenSlow,
  WhenUntaken,
} from "../backend";

export type FormatKind = "none" | "text" | "json_schema" | "json_object";
export type Streaming = "connection" | "yes" | "no";

/** Numbers are as typed; "" is not sent. */
export type Form = {
  targets: SpecTarget[];
  temperature: string;
  top_p: string;
  presence_penalty: string;
  frequency_penalty: string;
  max_tokens: string;
  seed: string;
  max_concurrent_requests: string;
  rate_limit_per_minute: string;
  rate_limit_per_day: string;
  timeout_s: string;
  max_attempts: string;
  wait_s: string;
  stop_sequences: string[];
  streaming: Streaming;
  format: FormatKind;
  schemaName: string;
  schema: string;
  tools: ToolSpec[];
  choice: ToolUse | null;
  system_prompt: string;
  when_full: FullPolicy;
  when_slow: WhenSlow;
  when_untaken: WhenUntaken;
};

/** What of it says the shape of an answer, and the tools. */
export type Shape = Pick<Form, "targets" | "format" | "schemaName" | "schema" | "tools" | "choice">;

/** Where a shape is edited: the editor of a profile, or the playground. */
export type Shaped = { form: Shape; problem(field: string): string; hint(field: string): string };

export type NumberField = {
  [K in keyof Form & keyof Spec]: Form[K] extends string ? (Spec[K] extends number | null ? K : never) : never;
}[keyof Form & keyof Spec];

/** What a number may be: the engine checks the same. */
export const RANGES: Record<NumberField, { least: number; most: number; whole: boolean }> = {
  temperature: { least: 0, most: 2, whole: false },
  top_p: { least: 0, most: 1, whole: false },
  presence_penalty: { least: -2, most: 2, whole: false },
  frequency_penalty: { least: -2, most: 2, whole: false },
  max_tokens: { least: 1, most: 4_294_967_295, whole: true },
  seed: { least: -2_147_483_648, most: 2_147_483_647, whole: true },
  max_concurrent_requests: { least: 1, most: 4_294_967_295, whole: true },
  rate_limit_per_minute: { least: 1, most: 4_294_967_295, whole: true },
  rate_limit_per_day: { least: 1, most: 4_294_967_295, whole: true },
  timeout_s: { least: 1, most: 3600, whole: true },
  max_attempts: { least: 1, most: 20, whole: true },
  wait_s: { least: 0, most: 600, whole: true },
};

const NUMBERS = Object.keys(RANGES) as NumberField[];
const SCHEMA = `{
  "type": "object",
  "required": ["side", "confidence"],
  "properties": {
    "side": { "enum": ["long", "short", "flat"] },
    "confidence": { "type": "number" }
  },
  "additionalProperties": false
}`;

/** Nothing is said of the answer's shape. */
export const UNSHAPED: Shape = {
  targets: [],
  format: "none",
  schemaName: "answer",
  schema: SCHEMA,
  tools: [],
  choice: null,
};

export const EMPTY: Spec = {
  targets: [],
  temperature: null,
  top_p: null,
  max_tokens: null,
  presence_penalty: null,
  frequency_penalty: null,
  seed: null,
  stop_sequences: [],
  response_format: null,
  tool_configurations: [],
  tool_choice: null,
  system_prompt: null,
  streaming_enabled: null,
  max_concurrent_requests: null,
  rate_limit_requests: null,
  rate_limit_period_s: null,
  rate_limit_per_minute: null,
  rate_limit_per_day: null,
  tokens_per_minute: null,
  timeout_s: null,
  max_attempts: null,
  when_full: null,
  wait_s: null,
  when_slow: null,
  when_untaken: "drop",
};

export function formOf(spec: Spec): Form {
  const format = spec.response_format;
  const shape = format?.type === "json_schema" ? format : null;
  const numbers = Object.fromEntries(NUMBERS.map((name) => [name, spec[name] === null ? "" : String(spec[name])]));
  return {
    ...(numbers as Record<NumberField, string>),
    targets: spec.targets,
    stop_sequences: spec.stop_sequences,
    streaming: spec.streaming_enabled === null ? "connection" : spec.streaming_enabled ? "yes" : "no",
    format: format?.type ?? "none",
    schemaName: shape?.name ?? "answer",
    schema: shape ? JSON.stringify(shape.schema, null, 2) : SCHEMA,
    tools: spec.tool_configurations,
    choice: spec.tool_choice,
    system_prompt: spec.system_prompt ?? "",
    when_full: spec.when_full ?? "rotate",
    when_slow: spec.when_slow ?? "wait",
    when_untaken: spec.when_untaken,
  };
}

/** The document that the form makes, with what it cannot say kept from `base`; and what is wrong with what was typed, by field. */
export function specOf(form: Form, base: Spec): { spec: Spec; problems: Record<string, string> } {
  const problems: Record<string, string> = {};
  const numbers = NUMBERS.map((name) => {
    const value = numberOf(form[name], name);
    if (value === undefined) problems[name] = rangeOf(name);
    return [name, value ?? null];
  });
  const format = formatOf(form, base.response_format);
  if (typeof format === "string") problems["response_format"] = format;
  const spec: Spec = {
    ...base,
    ...(Object.fromEntries(numbers) as Record<NumberField, number | null>),
    targets: form.targets,
    stop_sequences: form.stop_sequences,
    streaming_enabled: form.streaming === "connection" ? null : form.streaming === "yes",
    response_format: typeof format === "string" ? base.response_format : format,
    tool_configurations: form.tools,
    tool_choice: form.choice,
    system_prompt: form.system_prompt.trim() ? form.system_prompt : null,
    when_full: form.when_full === "rotate" && base.when_full === null ? null : form.when_full,
    when_slow: form.when_slow === "wait" && base.when_slow === null ? null : form.when_slow,
    when_untaken: form.when_untaken,
  };
  return { spec, problems };
}

function numberOf(text: string, name: NumberField): number | null | undefined {
  const typed = text.trim().replace(",", ".");
  if (typed === "") return null;
  const { least, most, whole } = RANGES[name];
  const value = /^-?(\d+(\.\d*)?|\.\d+)$/.test(typed) ? Number(typed) : NaN;
  return value >= least && value <= most && (!whole || Number.isInteger(value)) ? value : undefined;
}

function rangeOf(name: NumberField): string {
  const { least, most, whole } = RANGES[name];
  const kind = whole ? "A whole number, " : "";
  return most > 4_000_000_000 ? `${kind}${least} or more` : `${kind}${least} to ${most}`;
}

/** The format that the form makes, or why it makes none. */
export function formatOf(form: Shape, base: AnswerFormat | null): AnswerFormat | null | string {
  if (form.format === "none") return null;
  if (form.format !== "json_schema") return { type: form.format };
  const schema = objectIn(form.schema);
  if (typeof schema === "string") return schema;
  if (!NAME.test(form.schemaName)) return "The name is 1 to 64 letters, digits, _ or -";
  const strict = base?.type === "json_schema" ? base.strict : null;
  return { type: "json_schema", name: form.schemaName, schema, strict };
}

const NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** The JSON object in a text, or why there is none. */
export function objectIn(text: string): { [key: string]: AnyJson } | string {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as { [key: string]: AnyJson }) : "A schema is a JSON object";
  } catch (error) {
    return `No JSON: ${error instanceof Error ? error.message : "it cannot be read"}`;
  }
}

/** Why a tool cannot be kept, "" if it can. */
export function toolProblem(name: string, parameters: string, others: string[]): string {
  if (!NAME.test(name)) return "The name is 1 to 64 letters, digits, _ or -";
  if (others.includes(name)) return "There is another tool of that name";
  const read = objectIn(parameters);
  return typeof read === "string" ? read : "";
}

/** The fields in which two documents differ. */
export function changedFields(before: Spec, after: Spec): string[] {
  const names = Object.keys({ ...before, ...after }) as (keyof Spec)[];
  return names.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
}

/** A field's name for people. */
export const fieldLabel = (name: string): string => {
  const words = { targets: "chain", tool_configurations: "tools", timeout_s: "timeout", wait_s: "wait" }[name];
  return words ?? name.replaceAll("_", " ");
};

/** As a call would name it. */
export const addressOf = ({ connection, provider, model }: SpecTarget): string => `${connection ?? provider}/${model}`;

/** `targets` with one moved by so many places. */
export function movedStep(targets: SpecTarget[], from: number, to: number): SpecTarget[] {
  const step = targets[from];
  if (!step || to < 0 || to >= targets.length) return targets;
  const rest = targets.filter((_, at) => at !== from);
  return [...rest.slice(0, to), step, ...rest.slice(to)];
}

/** About how many tokens a text is. */
export const tokensIn = (text: string): number => Math.ceil(new TextEncoder().encode(text).length / 4);
