// What a new profile may start from.
import type { Spec } from "../../backend";

export type Start = "blank" | "scan" | "risk";

const side = {
  type: "object",
  required: ["side", "confidence"],
  properties: {
    side: { enum: ["long", "short", "flat"] },
    confidence: { type: "number" },
  },
  additionalProperties: false,
};

export const starts: Record<Start, { name: string; text: string; spec: Partial<Spec> }> = {
  blank: { name: "", text: "Only a name and a chain: what bots send goes on as it is.", spec: {} },
  scan: {
    name: "signal-scan",
    text: "Quick and cool-headed: a side and a confidence as JSON, or flat where nothing is clear.",
    spec: {
      temperature: 0.3,
      max_tokens: 1000,
      timeout_s: 20,
      system_prompt: "You scan price bars for breakouts. Use only the data given. If unclear, answer flat.",
      response_format: { type: "json_schema", name: "signal", schema: side, strict: true },
    },
  },
  risk: {
    name: "risk-check",
    text: "Slow and exact: always the same answer to the same question, and no stream.",
    spec: {
      temperature: 0,
      seed: 7,
      max_tokens: 2000,
      streaming_enabled: false,
      system_prompt: "You check a trade against its limits. Name each limit that it breaks, and by how much.",
    },
  },
};
