import type { Connection, DemoFault, Provider } from "../../backend";
import type { Choice } from "../../kit/Combobox.svelte";

export const FAULTS: { value: DemoFault; label: string }[] = [
  { value: "none", label: "Answer as usual" },
  { value: "unauthorized", label: "Reject the key (401)" },
  { value: "rate_limited", label: "Be at its rate limit (429)" },
  { value: "server_error", label: "Fail (500)" },
  { value: "slow_first_byte", label: "Wait before the first byte" },
  { value: "cut_stream", label: "Cut the answer off" },
];

/** What the last test found, then what the catalogue knows. */
export function modelChoices(connection: Connection, provider: Provider | null): Choice[] {
  const found = connection.last_check?.models ?? [];
  const known = provider?.known_models ?? [];
  return [...new Set([...found, ...known])].map((value) => ({
    value,
    detail: found.includes(value) ? "found by the test" : "",
  }));
}

export function wholeNumber(text: string, low: number, high: number): number | null {
  if (!/^\d+$/.test(text)) return null;
  const value = Number(text);
  return value >= low && value <= high ? value : null;
}
