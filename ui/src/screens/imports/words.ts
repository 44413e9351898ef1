import type { Planned } from "../../backend";

/** Where requests go and where the key is, in one line. */
export function importLine({ base_url, default_model, key_from, models }: Planned): string {
  const parts = [base_url.replace(/^https?:\/\//, "")];
  if (models !== null) parts.push(models === 1 ? "1 model" : `${models} models`);
  else if (default_model) parts.push(default_model);
  parts.push(key_from === null ? "no key" : `key from ${key_from}`);
  return parts.filter(Boolean).join(", ");
}
