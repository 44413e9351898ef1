// The official OpenAI client for Node against a connection of each protocol.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const { CLIENTS, GATEWAY, TOKEN, TARGETS, EMBEDDERS } = process.env;
const require = createRequire(`${CLIENTS}/package.json`);
const OpenAI = require("openai").default;
const { zodResponseFormat } = require("openai/helpers/zod");
const { z } = require("zod");

const PROMPT = "Is EURUSD a buy? Answer in one sentence.";
const messages = [{ role: "user", content: PROMPT }];
const Signal = z.object({ side: z.string(), confidence: z.number() });
const tool = {
  type: "function",
  function: {
    name: "price",
    parameters: { type: "object", properties: { symbol: { type: "string" } }, required: ["symbol"] },
  },
};
const told = { calls: 0, input_tokens: 0, output_tokens: 0 };

function count(input, output) {
  told.calls += 1;
  told.input_tokens += input;
  told.output_tokens += output;
}

const counted = (usage) => count(usage.prompt_tokens, usage.completion_tokens);

async function chat(client, model) {
  const asked = { model, messages, max_tokens: 200 };
  const answer = await client.chat.completions.create(asked);
  assert.equal(answer.model, model);
  counted(answer.usage);
  let text = "";
  const stream = await client.chat.completions.create({ ...asked, stream: true, stream_options: { include_usage: true } });
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta?.content ?? "";
    if (chunk.usage) counted(chunk.usage);
  }
  assert.equal(text, answer.choices[0].message.content);
}

async function tools(client, model) {
  const asked = { model, tools: [tool], max_tokens: 200 };
  const answer = await client.chat.completions.create({ ...asked, messages });
  const [call] = answer.choices[0].message.tool_calls;
  assert.equal(call.function.name, "price");
  counted(answer.usage);
  const result = { role: "tool", tool_call_id: call.id, content: "1.1702" };
  const after = await client.chat.completions.create({
    ...asked,
    messages: [...messages, answer.choices[0].message, result],
  });
  assert.ok(after.choices[0].message.content);
  counted(after.usage);
}

async function parsed(client, model) {
  const response_format = zodResponseFormat(Signal, "signal");
  const answer = await client.chat.completions.parse({ model, messages, response_format, max_tokens: 200 });
  assert.equal(typeof answer.choices[0].message.parsed.confidence, "number");
  counted(answer.usage);
}

async function responses(client, model) {
  const asked = { model, input: PROMPT, max_output_tokens: 200 };
  const answer = await client.responses.create(asked);
  assert.ok(answer.output_text);
  count(answer.usage.input_tokens, answer.usage.output_tokens);
  const final = await client.responses.stream(asked).finalResponse();
  assert.equal(final.output_text, answer.output_text);
  count(final.usage.input_tokens, final.usage.output_tokens);
}

async function refusals(client) {
  const ask = (one, model) => one.chat.completions.create({ model, messages });
  await assert.rejects(ask(client, "gpt-99"), OpenAI.NotFoundError);
  const stranger = new OpenAI({ baseURL: `${GATEWAY}/v1`, apiKey: "sk-other", maxRetries: 0 });
  await assert.rejects(ask(stranger, TARGETS.split(",")[0]), OpenAI.AuthenticationError);
  const impatient = new OpenAI({ baseURL: `${GATEWAY}/v1`, apiKey: TOKEN, maxRetries: 0, timeout: 1 });
  await assert.rejects(impatient.models.list(), OpenAI.APIConnectionTimeoutError);
}

const client = new OpenAI({ baseURL: `${GATEWAY}/v1`, apiKey: TOKEN, maxRetries: 0 });
const listed = (await client.models.list()).data.map(({ id }) => id);
for (const model of TARGETS.split(",")) {
  assert.ok(listed.includes(model), model);
  await chat(client, model);
  await tools(client, model);
  await parsed(client, model);
  await responses(client, model);
}
for (const model of EMBEDDERS.split(",")) {
  const made = await client.embeddings.create({ model, input: ["buy the euro", "sell the yen"] });
  assert.deepEqual(made.data.map(({ embedding }) => embedding.length), [64, 64]);
  count(made.usage.prompt_tokens, 0);
}
await refusals(client);
console.log(JSON.stringify(told));
