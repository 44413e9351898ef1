// The code that repeats a run through the gateway. Pure.
import type { AnyJson, Attachment, PlaygroundRequest } from "../../backend";
import type { Sample } from "../../kit/Code.svelte";
import { baseUrl } from "../../snippets";

/** The same call from a program; the token stays a variable. */
export function codeFor(gateway: string, request: PlaygroundRequest, attachment: Attachment | null): Sample[] {
  const url = baseUrl(gateway);
  return [
    { id: "python", label: "Python", code: python(url, request, attachment) },
    { id: "curl", label: "curl", code: curl(url, request, attachment) },
  ];
}

/** What is sent besides the model and the messages, as OpenAI's protocol names it. */
function settings(request: PlaygroundRequest): { [name: string]: AnyJson } {
  const { temperature_centi, max_tokens, response_format: format, tools, tool_choice } = request;
  const shape = format?.type === "json_schema" ? { name: format.name, schema: format.schema } : null;
  const forced = typeof tool_choice === "object" && tool_choice !== null ? tool_choice.function : null;
  return {
    ...(temperature_centi !== null && { temperature: temperature_centi / 100 }),
    ...(max_tokens !== null && { max_tokens }),
    ...(format !== null && {
      response_format: shape ? { type: format.type, json_schema: shape } : { type: format.type },
    }),
    ...(tools.length > 0 && {
      tools: tools.map(({ name, description, parameters }) => ({
        type: "function",
        function: { name, ...(description !== null && { description }), parameters },
      })),
    }),
    ...(typeof tool_choice === "string" && { tool_choice }),
    ...(forced !== null && { tool_choice: { type: "function", function: { name: forced } } }),
  };
}

function messages({ system, prompt }: PlaygroundRequest) {
  const user = { role: "user", content: prompt };
  return system === null ? [user] : [{ role: "system", content: system }, user];
}

/** A value as Python writes it. A JSON string is a Python string too. */
function literal(value: AnyJson, depth = 1): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "object") return JSON.stringify(value);
  const pad = "    ".repeat(depth + 1);
  const items = Array.isArray(value)
    ? value.map((item) => `${pad}${literal(item, depth + 1)},`)
    : Object.entries(value).map(
        ([name, item]) => `${pad}${JSON.stringify(name)}: ${literal(item as AnyJson, depth + 1)},`,
      );
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  return items.length === 0 ? open + close : [open, ...items, "    ".repeat(depth) + close].join("\n");
}

function python(url: string, request: PlaygroundRequest, attachment: Attachment | null): string {
  const { system, prompt } = request;
  const part = attachment && `            ${attached(attachment)},`;
  const user = part
    ? [
        '        {"role": "user", "content": [',
        `            {"type": "text", "text": ${JSON.stringify(prompt)}},`,
        part,
        "        ]},",
      ]
    : [`        {"role": "user", "content": ${JSON.stringify(prompt)}},`];
  const isPicture = attachment?.kind === "picture";
  return [
    ...(isPicture ? ["import base64, mimetypes, os"] : ["import os"]),
    ...(attachment ? ["from pathlib import Path"] : []),
    "from openai import OpenAI",
    "",
    ...(attachment ? [`file = Path(${JSON.stringify(attachment.path)})`] : []),
    `client = OpenAI(base_url=${JSON.stringify(url)}, api_key=os.environ["PATCHBAY_TOKEN"])`,
    "answer = client.chat.completions.create(",
    `    model=${JSON.stringify(request.model)},`,
    "    messages=[",
    ...(system === null ? [] : [`        {"role": "system", "content": ${JSON.stringify(system)}},`]),
    ...user,
    "    ],",
    ...Object.entries(settings(request)).map(([name, value]) => `    ${name}=${literal(value)},`),
    ")",
    "print(answer.choices[0].message.content)",
  ].join("\n");
}

function attached({ kind }: Attachment): string {
  if (kind === "text") return '{"type": "text", "text": f"File {file.name}:\\n\\n{file.read_text()}"}';
  const data = "data:{mimetypes.guess_type(file)[0]};base64,{base64.b64encode(file.read_bytes()).decode()}";
  return `{"type": "image_url", "image_url": {"url": f"${data}"}}`;
}

function curl(url: string, request: PlaygroundRequest, attachment: Attachment | null): string {
  const body = { model: request.model, messages: messages(request), ...settings(request) };
  // Inside single quotes a shell knows only one special character.
  const quoted = JSON.stringify(body, null, 2).replaceAll("'", `'\\''`);
  return [
    ...(attachment ? [`# Without ${attachment.name}: curl puts no file into JSON. Python does.`] : []),
    `curl ${url}/chat/completions \\`,
    `  -H "Authorization: Bearer $PATCHBAY_TOKEN" \\`,
    `  -H "Content-Type: application/json" \\`,
    `  -d '${quoted}'`,
  ].join("\n");
}
