// What the playground says about runs. Pure.
import type { CostSource, PlaygroundEstimate, Target } from "../../backend";
import { money, moneyInFull, tokens } from "../../format";

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

/** `Estimate: 412 + 1,000 tokens, $0.0046 at most, for both`; "" where nothing is known. */
export function estimateOf(estimates: (PlaygroundEstimate | null)[]): string {
  const known = estimates.filter((one) => one !== null);
  if (known.length === 0) return "";
  if (known.length < estimates.length) return "Nobody would answer one of them";
  const sum = (field: "input_tokens" | "output_tokens") => known.reduce((all, one) => all + one[field], 0);
  const total = known.reduce((all, { cost }) => all + Number(cost), 0);
  const cost = known.some((one) => one.cost === null)
    ? "at an unknown price"
    : total === 0
      ? "free"
      : `${money(total.toFixed(9))} at most`;
  const parts = [`Estimate: ${tokens(sum("input_tokens"), sum("output_tokens"))} tokens`, cost];
  if (known.some(({ has_picture }) => has_picture)) parts.push("without the picture");
  if (known.length > 1) parts.push("for both");
  return parts.join(", ");
}
