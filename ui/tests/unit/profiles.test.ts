import { describe, expect, it } from "vitest";
import type { Spec } from "../../src/backend";
import { changedFields, EMPTY, formOf, movedStep, objectIn, specOf, toolProblem } from "../../src/stores/profile-form";

const spec: Spec = {
  ...EMPTY,
  targets: [
    { connection: "main", provider: null, model: "gpt-5-mini" },
    { connection: null, provider: "gemini", model: "gemini-2.5-flash" },
  ],
  temperature: 0.3,
  max_tokens: 1000,
  stop_sequences: ["###"],
  streaming_enabled: true,
  tokens_per_minute: 90_000,
  response_format: { type: "json_schema", name: "side", schema: { type: "object" }, strict: true },
};

describe("a profile in the editor", () => {
  it("makes the document that it was made of, fields that it does not show included", () => {
    expect(specOf(formOf(spec), spec)).toEqual({ spec, problems: {} });
    expect(specOf(formOf(EMPTY), EMPTY)).toEqual({ spec: EMPTY, problems: {} });
  });

  it("counts the fields that differ", () => {
    const form = { ...formOf(spec), temperature: "0,7", system_prompt: "Be brief." };
    expect(changedFields(spec, specOf(form, spec).spec)).toEqual(["temperature", "system_prompt"]);
    expect(changedFields(spec, specOf({ ...formOf(spec), temperature: "0.30" }, spec).spec)).toEqual([]);
  });

  it("says of each number what it may be", () => {
    const problems = (change: object) => specOf({ ...formOf(spec), ...change }, spec).problems;
    expect(problems({ temperature: "2.1" })).toEqual({ temperature: "0 to 2" });
    expect(problems({ presence_penalty: "-2" })).toEqual({});
    expect(problems({ presence_penalty: "-2.5" })).toEqual({ presence_penalty: "-2 to 2" });
    expect(problems({ max_tokens: "1.5" })).toEqual({ max_tokens: "A whole number, 1 or more" });
    expect(problems({ seed: "abc" })).toHaveProperty("seed");
    expect(problems({ timeout_s: "" })).toEqual({});
  });

  it("keeps the schema that was saved while what is typed is none", () => {
    const broken = specOf({ ...formOf(spec), schema: "{" }, spec);
    expect(broken.problems).toHaveProperty("response_format");
    expect(broken.spec.response_format).toEqual(spec.response_format);
    expect(objectIn("[1]")).toBe("A schema is a JSON object");
    expect(objectIn('{"a":1}')).toEqual({ a: 1 });
  });

  it("moves a step, and not beyond the ends", () => {
    const [first, second] = spec.targets;
    expect(movedStep(spec.targets, 0, 1)).toEqual([second, first]);
    expect(movedStep(spec.targets, 0, 2)).toBe(spec.targets);
    expect(movedStep(spec.targets, 0, -1)).toBe(spec.targets);
  });

  it("keeps a tool with a plain name and an object only", () => {
    expect(toolProblem("trend", "{}", [])).toBe("");
    expect(toolProblem("a b", "{}", [])).not.toBe("");
    expect(toolProblem("trend", "{}", ["trend"])).not.toBe("");
    expect(toolProblem("trend", "[]", [])).not.toBe("");
  });
});
