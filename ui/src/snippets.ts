// What a bot needs to reach the gateway, as text to copy. Pure.
import type { Connection } from "./backend";
import type { Sample } from "./kit/Code.svelte";

/** The base URL of OpenAI clients, whether or not the gateway's own carries the version. */
export function baseUrl(gateway: string): string {
  return `${rootUrl(gateway)}/v1`;
}

/** The gateway's own address: what Anthropic's and Google's clients want. */
export function rootUrl(gateway: string): string {
  return gateway.replace(/\/+$/, "").replace(/\/v1$/, "");
}

/** A model that can answer now, so that a snippet runs as it is. */
export function modelToTry(connections: Connection[]): string {
  const model = ({ default_model, last_check }: Connection) => default_model ?? last_check?.models[0];
  const one = connections.find((connection) => connection.status === "active" && model(connection));
  return one ? `${one.key}/${model(one)}` : "connection_key/model";
}

/** Secrets stay variables in code; only the .env file is where a token belongs, and only while it is known. */
export function snippets(gateway: string, model: string, token: string | null): Sample[] {
  const url = baseUrl(gateway);
  return [
    { id: "python", label: "Python", code: python(url, model) },
    { id: "node", label: "Node", code: node(url, model) },
    { id: "curl", label: "curl", code: curl(url, model) },
    { id: "env", label: ".env", code: env(rootUrl(gateway), token) },
  ];
}

const python = (url: string, model: string) => `import os
from openai import OpenAI

client = OpenAI(
    base_url="${url}",
    api_key=os.environ["PATCHBAY_TOKEN"],
)
answer = client.chat.completions.create(
    model="${model}",
    messages=[{"role": "user", "content": "Long or short?"}],
)
print(answer.choices[0].message.content)`;

const node = (url: string, model: string) => `import OpenAI from "openai";

const client = new OpenAI({
  baseURL: "${url}",
  apiKey: process.env.PATCHBAY_TOKEN,
});
const answer = await client.chat.completions.create({
  model: "${model}",
  messages: [{ role: "user", content: "Long or short?" }],
});
console.log(answer.choices[0].message.content);`;

const curl = (url: string, model: string) => `curl ${url}/chat/completions \\
  -H "Authorization: Bearer $PATCHBAY_TOKEN" \\
  -H "Content-Type: application/json" \\
  -d '{
    "model": "${model}",
    "messages": [{"role": "user", "content": "Long or short?"}]
  }'`;

/** Every client reads some of these: Anthropic's and Google's add the version themselves. */
const env = (root: string, token: string | null) => `OPENAI_BASE_URL=${root}/v1
OPENAI_API_BASE=${root}/v1
OPENAI_API_KEY=${token ?? "the token of this app"}
ANTHROPIC_BASE_URL=${root}
ANTHROPIC_API_URL=${root}
ANTHROPIC_API_KEY=${token ?? "the token of this app"}
GOOGLE_GEMINI_BASE_URL=${root}
GEMINI_API_KEY=${token ?? "the token of this app"}
PATCHBAY_TOKEN=${token ?? "the token of this app"}`;
