import { describe, expect, it } from "vitest";
import type { PlaygroundEvent, PlaygroundRequest, PlaygroundResult, RouteAttempt, Target } from "../../src/backend";
import { optionsFor } from "../../src/screens/playground/picking";
import { codeFor } from "../../src/screens/playground/code";
import { cheaper, costOf, estimateOf, priceOf, sooner, titleOf } from "../../src/screens/playground/words";
import { begun, centi, elapsed, firstToken, folded, type Trace } from "../../src/stores/playground.svelte";

const START = 1_000_000;

const attempt = (number: number, more: Partial<RouteAttempt> = {}): RouteAttempt => ({
  number,
  connection: "conn_a",
  connection_name: "A",
  model: "m",
  state: "running",
  started_ms: 0,
  took_ms: null,
  first_token_ms: null,
  message: "",
  ...more,
});
const result: PlaygroundResult = {
  call: "c",
  connection: "conn_a",
  model: "m",
  first_token_ms: 420,
  total_ms: 3080,
  input_tokens: 412,
  output_tokens: 168,
  cost: "0.000439",
  cost_source: "priced",
  finish_reason: "stop",
};
const cancelled: PlaygroundEvent = {
  event: "failed",
  error: { code: "cancelled", message: "You stopped it.", hint: "" },
};
const cut: PlaygroundEvent = { event: "failed", error: { code: "stream_cut", message: "Cut", hint: "Run it again." } };

const after = (...events: PlaygroundEvent[]): Trace =>
  events.reduce((trace, event) => folded(trace, event, START + 900), begun(START));

describe("the events of a run", () => {
  it("add up to an answer with its route", () => {
    const trace = after(
      { event: "started", call: "c" },
      { event: "attempt", attempt: attempt(1) },
      { event: "attempt", attempt: attempt(1, { state: "failed", took_ms: 190, message: "503" }) },
      { event: "attempt", attempt: attempt(2, { started_ms: 190 }) },
      { event: "attempt", attempt: attempt(2, { started_ms: 190, state: "streaming", first_token_ms: 420 }) },
      { event: "delta", text: "Long, " },
      { event: "delta", text: "<b>not</b> short" },
      {
        event: "attempt",
        attempt: attempt(2, { started_ms: 190, state: "answered", took_ms: 700, first_token_ms: 420 }),
      },
      { event: "finished", result },
    );
    expect(trace.text).toBe("Long, <b>not</b> short");
    expect(trace.attempts.map(({ state }) => state)).toEqual(["failed", "answered"]);
    expect(trace.endedAt).toBe(START + 900);
    expect(firstToken(trace)).toBe(610);
    expect(elapsed(trace, START + 99_999)).toBe(3080);
  });

  it("keep the attempts in order, whatever order they come in", () => {
    const trace = after({ event: "attempt", attempt: attempt(2) }, { event: "attempt", attempt: attempt(1) });
    expect(trace.attempts.map(({ number }) => number)).toEqual([1, 2]);
  });

  it.each([
    ["stopped", cancelled, "cancelled"],
    ["failed", cut, "failed"],
  ] as const)("leave the partial text and end the open attempt when it is %s", (_, end, state) => {
    const trace = after(
      { event: "attempt", attempt: attempt(1, { started_ms: 100, state: "streaming", first_token_ms: 50 }) },
      { event: "delta", text: "Half an " },
      end,
    );
    expect(trace.text).toBe("Half an ");
    expect(trace.attempts[0]).toMatchObject({ state, took_ms: 800 });
    expect(trace.error?.code).toBe(end.event === "failed" ? end.error.code : "");
  });

  it("change nothing after the end", () => {
    const ended = after({ event: "delta", text: "a" }, cancelled);
    expect(folded(ended, { event: "delta", text: "b" }, START)).toBe(ended);
    expect(folded(ended, { event: "finished", result }, START)).toBe(ended);
  });

  it("measure a run that goes on by the clock", () => {
    const trace = begun(START);
    expect(elapsed(trace, START + 1540)).toBe(1540);
    expect(firstToken(trace)).toBeNull();
  });
});

describe("what is typed", () => {
  it.each([
    ["0.3", 30],
    ["0,3", 30],
    ["2", 200],
    [" 1.05 ", 105],
    [".5", 50],
    ["2.1", null],
    ["-1", null],
    ["hot", null],
    ["", null],
  ])("temperature %j is %j", (text, value) => expect(centi(text)).toBe(value));

  const target = (id: string, more: Partial<Target> = {}): Target => ({
    id,
    model: id.split("/").slice(1).join("/"),
    connection: id.split("/")[0] ?? "",
    connection_name: "Desk",
    tile: "OA",
    color: 1,
    input_price: "0.25",
    output_price: "2.00",
    usable: true,
    ...more,
  });
  const targets = [
    target("a/gpt-5", { usable: false }),
    target("a/gpt-5-mini"),
    target("b/llama", { input_price: null }),
  ];

  it("finds models by any of their words, those that cannot answer last", () => {
    expect(optionsFor(targets, [], "", []).map(({ id }) => id)).toEqual(["a/gpt-5-mini", "b/llama", "a/gpt-5"]);
    expect(optionsFor(targets, [], "desk gpt", []).map(({ id }) => id)).toEqual(["a/gpt-5-mini", "a/gpt-5"]);
  });
  it("puts recent models first", () => {
    expect(optionsFor(targets, [], "", ["b/llama"])[0]?.id).toBe("b/llama");
  });
  it("offers what was typed, unless it is known", () => {
    expect(optionsFor(targets, [], "gpt-5", []).at(-1)).toEqual({ id: "gpt-5", target: null, profile: null });
    expect(optionsFor(targets, [], "b/llama", []).every((option) => option.target)).toBe(true);
  });
  it("names prices, or their absence", () => {
    expect(targets.map(priceOf)).toEqual(["$0.25 in, $2.00 out", "$0.25 in, $2.00 out", "no price"]);
    expect([costOf(null), costOf("0.000439"), costOf("0")]).toEqual(["unknown", "$0.000439", "$0.00"]);
  });
});

describe("two runs in words", () => {
  it.each([
    [610, 1180, "48% sooner"],
    [1180, 610, ""],
    [null, 610, ""],
  ])("%j ms beside %j ms: %j", (mine, other, words) => expect(sooner(mine, other)).toBe(words));

  it.each([
    ["0.00044", "0.00412", "9 times less"],
    ["0.8", "1", "20% less"],
    ["1", "0.8", ""],
    ["0", "0.1", "free"],
    [null, "0.1", ""],
    ["0.1", null, ""],
  ])("$%s beside $%s: %j", (mine, other, words) => expect(cheaper(mine, other)).toBe(words));
});

describe("copy as code", () => {
  const request: PlaygroundRequest = {
    model: "conn_a/gpt-5-mini",
    system: null,
    prompt: `It's "long"\n$HOME \`x\``,
    temperature_centi: 30,
    max_tokens: null,
    response_format: null,
    tools: [],
    tool_choice: null,
    attachment: null,
  };
  const [python, curl] = codeFor("http://127.0.0.1:4141", request, null).map(({ code }) => code);

  it("keeps the prompt whole in Python", () => {
    expect(python).toContain(`"content": "It's \\"long\\"\\n$HOME \`x\`"`);
    expect(python).toContain("temperature=0.3,");
    expect(python).not.toContain("max_tokens");
  });
  it("keeps the prompt whole in a shell", () => {
    expect(curl).toContain("curl http://127.0.0.1:4141/v1/chat/completions");
    const quoted = /-d '([\s\S]*)'$/.exec(curl ?? "")?.[1] ?? "";
    expect(JSON.parse(quoted.replaceAll(`'\\''`, "'")).messages[0].content).toBe(request.prompt);
  });
  it("says the shape of the answer and the tools as each language writes them", () => {
    const tool = { name: "trend", description: null, parameters: { strict: true, none: null }, strict: null };
    const shaped: PlaygroundRequest = {
      ...request,
      response_format: { type: "json_schema", name: "signal", schema: { type: "object" }, strict: null },
      tools: [tool],
      tool_choice: { function: "trend" },
    };
    const codes = codeFor("http://127.0.0.1:4141", shaped, null).map(({ code }) => code);
    expect(codes[0]).toContain('"strict": True,');
    expect(codes[0]).toContain('"none": None,');
    const quoted = JSON.parse(/-d '([\s\S]*)'$/.exec(codes[1] ?? "")?.[1]?.replaceAll(`'\\''`, "'") ?? "{}");
    expect(quoted.response_format.json_schema).toEqual({ name: "signal", schema: { type: "object" } });
    expect(quoted.tool_choice).toEqual({ type: "function", function: { name: "trend" } });
  });
  it("reads what goes along from its file", () => {
    const picture = { path: "/desk/chart.png", name: "chart.png", kind: "picture" as const, bytes: 9, lines: 0 };
    const codes = codeFor("http://127.0.0.1:4141", request, picture).map(({ code }) => code);
    expect(codes[0]).toContain('file = Path("/desk/chart.png")');
    expect(codes[0]).toContain("base64.b64encode(file.read_bytes())");
    expect(codes[1]).toContain("# Without chart.png");
  });
  it("never holds a token", () => {
    expect(python).toContain('os.environ["PATCHBAY_TOKEN"]');
    expect(curl).toContain("$PATCHBAY_TOKEN");
  });
  it("lists a prompt by its first line", () => expect(titleOf("\n  Read ES\nmore")).toBe("Read ES"));
});

describe("an estimate", () => {
  const one = {
    connection_name: "A",
    model: "m",
    input_tokens: 412,
    output_tokens: 1000,
    cost: "0.0023",
    has_picture: false,
  };
  it.each([
    [[one], "Estimate: 412 + 1,000 tokens, $0.0023 at most"],
    [[one, one], "Estimate: 824 + 2,000 tokens, $0.0046 at most, for both"],
    [[{ ...one, cost: null }, one], "Estimate: 824 + 2,000 tokens, at an unknown price, for both"],
    [[{ ...one, cost: "0" }], "Estimate: 412 + 1,000 tokens, free"],
    [[{ ...one, has_picture: true }], "Estimate: 412 + 1,000 tokens, $0.0023 at most, without the picture"],
    [[null], ""],
    [[one, null], "Nobody would answer one of them"],
  ])("%j is told as %j", (estimates, words) => expect(estimateOf(estimates)).toBe(words));
});
