// What the Usage screen says. Pure.
import type { IconName } from "../../kit/icon";
import type { Totals, UsageView } from "../../backend";
import { presentations } from "../../errors";

/** The change in percent; null where there is nothing to compare with. */
export function exactChange(now: number, before: number): number | null {
  return before > 0 ? ((now - before) / before) * 100 : null;
}

/** Basis points as points: `0.1 pt`. */
export function points(basisPoints: number): string {
  return `${(Math.abs(basisPoints) / 100).toFixed(1)} pt`;
}

/** `47%`; a share that is not nothing never reads 0%. */
export function wholePercent(basisPoints: number): string {
  if (basisPoints > 0 && basisPoints < 50) return "<1%";
  return `${Math.round(basisPoints / 100)}%`;
}

/** The icon and colour of what attempts failed of. */
export function causeLook(error: string): { icon: IconName; tone: string } {
  const known = Object.hasOwn(presentations, error) ? presentations[error as keyof typeof presentations] : null;
  return known ? { icon: known.icon, tone: known.tone } : { icon: "ring", tone: "off" };
}

/** The cost table as text with tabs, for a spreadsheet: every digit of the money. */
export function tableText(view: UsageView): string {
  const head = ["Name", "Requests", "Tokens in", "Tokens out", "Cost USD", "p95 ms"];
  const line = (name: string, { calls, input_tokens, output_tokens, cost, p95_ms }: Totals) =>
    // A name that begins like a formula is text all the same.
    [/^[=+\-@]/.test(name) ? `'${name}` : name, calls, input_tokens, output_tokens, cost, p95_ms ?? ""];
  const rows = view.groups.map(({ name, totals }) => line(name, totals));
  return [head, ...rows, line("Total", view.totals)].map((cells) => cells.join("\t")).join("\n");
}
