// What the playground says about runs, and the code that repeats one. Pure.
import type { CostSource, PlaygroundRequest, Target } from "../../backend";
import { money, moneyInFull } from "../../format";
import type { Sample } from "../../kit/Code.svelte";
import { baseUrl } from "../../snippets";

/** `$0.25 in, $2.00 out`, USD per million tokens. */
export function priceOf({ input_price, output_price }: Target): string {
  if (input_price === null || output_price === null) return "no price";
  return `${money(input_price)} in, ${money(output_price)} out`;
}

const SOURCES: Record<CostSource, string> = {
  reported: "said by the provider",
  priced: "by list price",
  estimated: "Estimate",
  unknown: "no known price",
};

export const sourceOf = (source: CostSource): string => SOURCES[source];

/** The cost of one run; a price nobody knows is not a price of zero. */
export function costOf(cost: string | null): string {
  return cost === null ? "unknown" : moneyInFull(cost);
}

/** `48% sooner`, measured against the other run; "" where it was not faster or is not known. */
export function sooner(mine: number | null, other: number | null): string {
  if (mine === null || other === null || other <= 0) return "";
  const share = Math.round((1 - mine / other) * 100);
  return share >= 1 ? `${share}% sooner` : "";
}

/** `9 times less`, `23% less`; "" where it did not cost less or a price is not known. */
export function cheaper(mine: string | null, other: string | null): string {
  const [a, b] = [Number(mine), Number(other)];
  if (mine === null || other === null || !(a < b)) return "";
  if (a <= 0) return "free";
  const times = b / a;
  return times >= 2 ? `${Math.round(times)} times less` : `${Math.round((1 - a / b) * 100)}% less`;
}

/** The first line of a prompt, for a list. */
export const titleOf = (prompt: string): string => prompt.trim().split("\n", 1)[0]?.trim() ?? "";

/** The same call from a program; the token stays a variable. */
export function codeFor(gateway: string, request: PlaygroundRequest): Sample[] {
  const url = baseUrl(gateway);
  return [
    { id: "python", label: "Python", code: python(url, request) },
    { id: "curl", label: "curl", code: curl(url, request) },
  ];
}

function messages({ system, prompt }: PlaygroundRequest) {
  const user = { role: "user", content: prompt };
  return system === null ? [user] : [{ role: "system", content: system }, user];
}

const centiText = (value: number) => String(value / 100);

// A JSON string is a Python string too.
function python(url: string, request: PlaygroundRequest): string {
  const said = messages(request).map(
    ({ role, content }) => `        {"role": "${role}", "content": ${JSON.stringify(content)}},`,
  );
  const settings = [
    request.temperature_centi !== null && `    temperature=${centiText(request.temperature_centi)},`,
    request.max_tokens !== null && `    max_tokens=${request.max_tokens},`,
  ].filter((line) => line !== false);
  return [
    "import os",
    "from openai import OpenAI",
    "",
    `client = OpenAI(base_url=${JSON.stringify(url)}, api_key=os.environ["PATCHBAY_TOKEN"])`,
    "answer = client.chat.completions.create(",
    `    model=${JSON.stringify(request.model)},`,
    "    messages=[",
    ...said,
    "    ],",
    ...settings,
    ")",
    "print(answer.choices[0].message.content)",
  ].join("\n");
}

function curl(url: string, request: PlaygroundRequest): string {
  const body = {
    model: request.model,
    messages: messages(request),
    ...(request.temperature_centi !== null && { temperature: request.temperature_centi / 100 }),
    ...(request.max_tokens !== null && { max_tokens: request.max_tokens }),
  };
  // Inside single quotes a shell knows only one special character.
  const quoted = JSON.stringify(body, null, 2).replaceAll("'", `'\\''`);
  return [
    `curl ${url}/chat/completions \\`,
    `  -H "Authorization: Bearer $PATCHBAY_TOKEN" \\`,
    `  -H "Content-Type: application/json" \\`,
    `  -d '${quoted}'`,
  ].join("\n");
}
