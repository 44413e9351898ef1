import type { Code } from "./backend";
import type { IconName } from "./kit/icon";

export type Tone = "ok" | "warn" | "bad" | "info" | "off";

/** How a condition looks wherever it turns up; its sentence and remedy come with the error itself. */
export type Presentation = { title: string; icon: IconName; tone: Tone };

const bad = (title: string, icon: IconName = "xoct"): Presentation => ({ title, icon, tone: "bad" });
const warn = (title: string, icon: IconName = "tri"): Presentation => ({ title, icon, tone: "warn" });

/** Exhaustive: a new code in Rust does not compile here until it has a face. */
export const presentations: Record<Code, Presentation> = {
  invalid_input: bad("Check what you entered", "pen"),
  not_found: bad("It is no longer there", "search"),
  name_taken: bad("This name is taken", "pen"),
  in_use: warn("It is in use"),
  vault_absent: warn("No keychain on this system", "lock"),
  vault_locked: warn("The keychain is locked", "lock"),
  vault_denied: warn("The keychain said no", "lock"),
  vault_failed: bad("The keychain failed", "lock"),
  credential_missing: bad("The key is missing", "key"),
  key_refused: bad("Key rejected", "key"),
  permission_denied: bad("This key may not do that", "shield"),
  quota_exhausted: bad("The provider's quota is used up", "gauge"),
  rate_limited: warn("At the rate limit", "gauge"),
  model_not_found: bad("Model not available", "layers"),
  bad_request: bad("The provider refused the request"),
  untranslatable: bad("This connection cannot be asked that"),
  context_too_long: bad("The prompt is too long", "rows"),
  content_filtered: warn("Stopped by the provider's filter", "filter"),
  overloaded: warn("The provider is overloaded", "gauge"),
  upstream_failed: bad("The provider failed", "server"),
  malformed_answer: bad("The answer makes no sense", "braces"),
  timed_out: bad("No answer in time", "clock"),
  stream_cut: bad("The answer was cut off", "stream"),
  network_failed: bad("The network failed", "globe"),
  offline: warn("No network. Local connections still answer", "globe"),
  cancelled: { title: "Stopped by you", icon: "minus", tone: "off" },
  stopped: bad("Traffic is stopped", "stop"),
  budget_exceeded: bad("A budget is used up", "stop"),
  no_candidate: bad("Nothing left to try", "plug"),
  port_in_use: bad("The port is taken by another program", "server"),
  unauthorized: bad("The app token is not accepted", "key"),
  forbidden: bad("Not allowed", "shield"),
  disk_full: bad("The disk is full", "db"),
  database_newer: bad("The data is from a newer Patchbay", "db"),
  database_failed: bad("The database failed", "db"),
  internal: bad("Patchbay hit a problem of its own"),
};
