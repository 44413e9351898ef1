// The audit log in words. A newer Patchbay may have written others: what is not known here is shown as it was written.
import type { AuditEntry, FieldChange } from "../../../backend";
import type { Tone } from "../../../errors";
import type { IconName } from "../../../kit/icon";

export const WHO: Record<string, string> = {
  user: "You",
  scheduler: "Patchbay, by schedule",
  router: "Patchbay, routing",
  import: "Import",
  app: "App",
};

type Look = { word: string; icon: IconName; tone?: Tone };

export const ACTIONS: Record<string, Look> = {
  create: { word: "added", icon: "plus" },
  update: { word: "changed", icon: "pen" },
  delete: { word: "deleted", icon: "trash" },
  pause: { word: "turned off", icon: "pause" },
  enable: { word: "turned on", icon: "play" },
  reorder: { word: "reordered", icon: "sort" },
  test: { word: "tested", icon: "bolt" },
  stage: { word: "added key", icon: "key" },
  standby: { word: "put on standby", icon: "pause" },
  activate: { word: "made live", icon: "swap" },
  rollback: { word: "rolled back", icon: "hist" },
  take_over: { word: "took over", icon: "swap", tone: "warn" },
  revoke: { word: "revoked", icon: "minus" },
  purge: { word: "erased", icon: "trash" },
  rotate: { word: "made token", icon: "key" },
  stop: { word: "stopped", icon: "stop", tone: "bad" },
  resume: { word: "resumed", icon: "play" },
  begin: { word: "began", icon: "play" },
  end: { word: "ended", icon: "stop" },
  need_attention: { word: "needs you", icon: "tri", tone: "warn" },
  rest: { word: "opened breaker", icon: "tri", tone: "warn" },
  recover: { word: "recovered", icon: "okc" },
  load: { word: "loaded", icon: "flask" },
  clear: { word: "cleared", icon: "trash" },
  export: { word: "exported", icon: "dl" },
  import: { word: "imported", icon: "plus" },
  back_up: { word: "backed up", icon: "db" },
  restore: { word: "restored", icon: "hist" },
  move: { word: "moved", icon: "swap" },
  retain: { word: "let go", icon: "clock" },
};

export const KINDS: Record<string, string> = {
  provider: "Provider",
  connection: "Connection",
  credential: "Credential",
  model: "Model",
  price: "Price",
  profile: "Profile",
  app: "App",
  budget: "Budget",
  alert: "Alert",
  setting: "Setting",
  view: "Saved view",
  traffic: "Traffic",
  drill: "Drill",
  sample_data: "Sample data",
  usage: "Usage",
  audit: "Audit log",
  vault: "Vault",
  store: "Store",
};

const plain = (name: string) => name.replaceAll("_", " ");

/** Patchbay acts by itself in two ways; the list names it once. */
export function who({ actor }: AuditEntry): string {
  if (actor === "scheduler" || actor === "router") return "Patchbay";
  return WHO[actor] ?? plain(actor);
}

export const look = ({ action }: AuditEntry): Look => ACTIONS[action] ?? { word: plain(action), icon: "dot" };

export const kind = (entry: AuditEntry): string => KINDS[entry.kind] ?? plain(entry.kind);

/** A field as people read it: `limits.rate_limit_per_day` is "rate limit per day". */
export const field = ({ field }: FieldChange): string => plain(field.split(".").at(-1) ?? field);

/** In one line: the reason first, then what changed. */
export function detail({ changes, reason }: AuditEntry): string {
  return [reason, changes.map(sentence).join(", ")].filter(Boolean).join(": ");
}

function sentence(change: FieldChange): string {
  const { before, after } = change;
  if (before === "") return `${field(change)} ${after}`;
  return after === "" ? `${field(change)} ${before} taken away` : `${field(change)} ${before} to ${after}`;
}
