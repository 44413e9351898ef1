import {
  asBackendError,
  backend,
  type BackendError,
  type CheckReport,
  type Connection,
  type ConnectionDraft,
  type Provider,
  type StageReport,
} from "../backend";
import { connections } from "./connections.svelte";
import { merged } from "./stages";

export type DraftField = "name" | "key" | "secret" | "base_url" | "default_model";

/** A connection that is being added: its fields, their checks, its test. The typed key stays until the form goes. */
export class DraftForm {
  name = $state("");
  /** "" = made from the name */
  key = $state("");
  secret = $state("");
  /** "" = the provider's own */
  base_url = $state("");
  default_model = $state("");

  #provider = $state.raw<Provider | null>(null);
  #named = false;
  #left = $state.raw<ReadonlySet<DraftField>>(new Set());
  #run = $state.raw<{ key: string; startedAt: number; stages: StageReport[] } | null>(null);
  #saving = $state(false);
  #report = $state.raw<CheckReport | null>(null);
  #refused = $state.raw<BackendError | null>(null);

  get provider() {
    return this.#provider;
  }
  /** the connection key it will have */
  get finalKey(): string {
    return this.key.trim() || keyFrom(this.name);
  }
  get testing(): boolean {
    return this.#run !== null;
  }
  get saving(): boolean {
    return this.#saving;
  }
  get stages(): StageReport[] {
    return this.#run?.stages ?? this.#report?.stages ?? [];
  }
  get startedAt(): number {
    return this.#run?.startedAt ?? 0;
  }
  /** how the last test of this draft ended, while it failed */
  get report() {
    return this.#report;
  }
  /** why the backend would not take the draft, where no field is to blame */
  get error(): BackendError | null {
    return this.#refused && !this.#blamed ? this.#refused : null;
  }
  get dirty(): boolean {
    return this.secret !== "" || this.base_url !== "" || this.#named || this.key !== "";
  }
  get complete(): boolean {
    return this.#provider !== null && FIELDS.every((field) => this.#problem(field) === "");
  }

  /** Starts over for a provider; what was typed in fields that still apply stays. */
  choose(provider: Provider) {
    if (this.testing) return;
    this.#provider = provider;
    if (!this.#named) this.name = freeName(provider.name);
    this.default_model = provider.default_model;
    this.base_url = "";
    if (provider.key === "none") this.secret = "";
    this.#report = null;
    this.#refused = null;
  }

  rename(name: string) {
    this.#named = name !== "";
    this.touch();
  }

  /** Something was typed: what the backend said before no longer counts. */
  touch() {
    this.#refused = null;
  }

  /** A field was left: from now on it says what is wrong with it. */
  leave(field: DraftField) {
    this.#left = new Set([...this.#left, field]);
  }

  /** What to show under a field, "" if nothing. */
  problem(field: DraftField): string {
    if (this.#blamed === field && this.#refused) return this.#refused.message;
    return this.#left.has(field) ? this.#problem(field) : "";
  }

  /** The good news under the key field. */
  get keyLooksRight(): boolean {
    const prefix = this.#provider?.key_prefix ?? "";
    return prefix !== "" && this.secret.trim().startsWith(prefix) && this.secret.trim().length > prefix.length + 8;
  }

  /** Tests, and saves if all stages pass. The connection, or null: then `report` or `error` says why. */
  async testAndSave(): Promise<Connection | null> {
    const draft = this.#draft();
    if (!draft) return null;
    this.#report = null;
    this.#refused = null;
    this.#run = { key: this.finalKey, startedAt: Date.now(), stages: [] };
    try {
      const { report, connection } = await backend.connectionAddTested(draft, (stage) => this.#stage(stage));
      if (connection) await this.#saved();
      else if (report.code !== "cancelled") this.#report = report;
      return connection;
    } catch (thrown) {
      this.#refuse(thrown);
      return null;
    } finally {
      this.#run = null;
    }
  }

  async saveUntested(): Promise<Connection | null> {
    if (this.testing) await this.stop();
    const draft = this.#draft();
    if (!draft) return null;
    this.#saving = true;
    this.#refused = null;
    try {
      const connection = await backend.connectionAddUntested(draft);
      await this.#saved();
      return connection;
    } catch (thrown) {
      this.#refuse(thrown);
      return null;
    } finally {
      this.#saving = false;
    }
  }

  async stop() {
    const key = this.#run?.key;
    if (!key) return;
    await backend.connectionTestStop(key).catch((thrown: unknown) => this.#refuse(thrown));
  }

  #draft(): ConnectionDraft | null {
    for (const field of FIELDS) this.leave(field);
    const provider = this.#provider;
    if (!provider || !this.complete) return null;
    return {
      provider: provider.slug,
      name: this.name.trim(),
      // Sent even where it was made from the name: the test is stopped by it.
      key: this.finalKey,
      base_url: this.base_url.trim() || null,
      default_model: this.default_model.trim() || null,
      secret: this.secret.trim() || null,
    };
  }

  async #saved() {
    // Not needed any more, so it goes from memory too.
    this.secret = "";
    await connections.reload();
  }

  #stage(stage: StageReport) {
    if (this.#run) this.#run = { ...this.#run, stages: merged(this.#run.stages, stage) };
  }

  #refuse(thrown: unknown) {
    const error = asBackendError(thrown);
    if (error.code !== "cancelled") this.#refused = error;
  }

  // The field an answer of the backend is about.
  get #blamed(): DraftField | null {
    if (this.#refused?.code !== "name_taken") return null;
    return this.#refused.message.includes(this.finalKey) && this.key !== "" ? "key" : "name";
  }

  #problem(field: DraftField): string {
    const provider = this.#provider;
    if (!provider) return "";
    switch (field) {
      case "name":
        return this.name.trim() ? "" : "Give it a name";
      case "key":
        return /^[a-z0-9][a-z0-9_-]*$/.test(this.finalKey) ? "" : "Use a to z, 0 to 9, _ and - only";
      case "secret":
        return keyProblem(this.secret.trim(), provider);
      case "base_url":
        return urlProblem(this.base_url.trim(), provider);
      case "default_model":
        return "";
    }
  }
}

const FIELDS: DraftField[] = ["name", "key", "secret", "base_url", "default_model"];

function keyProblem(secret: string, provider: Provider): string {
  if (secret === "") return provider.key === "required" ? "Paste the key" : "";
  if (/\s/.test(secret)) return "A key has no spaces: copy it again";
  return secret.startsWith(provider.key_prefix) ? "" : `${provider.name} keys start with ${provider.key_prefix}`;
}

/** Its address is not known; that of the Demo provider is, to the backend. */
export const wantsUrl = ({ slug, base_url }: Provider): boolean => base_url === "" && slug !== "demo";

function urlProblem(url: string, provider: Provider): string {
  if (url === "") return wantsUrl(provider) ? "Enter the URL of the server" : "";
  return /^https?:\/\/[^\s/]/.test(url) ? "" : "Start the URL with http:// or https://";
}

/** `Claude backup` to `conn_claude_backup`. */
export function keyFrom(name: string): string {
  const words = name
    .trim()
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "");
  return words ? `conn_${words}` : "";
}

function freeName(wanted: string): string {
  const taken = new Set(connections.list.map(({ name }) => name));
  let name = wanted;
  for (let number = 2; taken.has(name); number += 1) name = `${wanted} ${number}`;
  return name;
}
