import { asBackendError, backend, type AuditEntry, type AuditQuery, type AuditVerdict, type Format } from "../backend";
import { Resource } from "./resource.svelte";
import { toasts } from "./toasts.svelte";

const PAGE = 100;
/** The backend answers no longer page. */
const LONGEST = 1000;

/** The audit log, newest first, page by page. */
class Audit {
  #query: AuditQuery = NOTHING;
  /** as many entries as were scrolled to */
  #wanted = PAGE;
  #verdict = $state.raw<AuditVerdict | null>(null);
  #verifying = $state(false);
  // Whatever is changed is in the log.
  readonly #list = new Resource(() => this.#read(), ["connections", "status", "apps", "settings", "checks", "models"]);

  get entries(): AuditEntry[] {
    return this.#list.value?.entries ?? [];
  }
  /** there are older entries */
  get more(): boolean {
    return this.#list.value?.next != null;
  }
  get loading() {
    return this.#list.loading;
  }
  get refreshing() {
    return this.#list.refreshing;
  }
  get error() {
    return this.#list.error;
  }
  /** of the last look at the chain */
  get verdict(): AuditVerdict | null {
    return this.#verdict;
  }
  get verifying(): boolean {
    return this.#verifying;
  }
  watch() {
    return this.#list.watch();
  }
  reload() {
    return this.#list.reload();
  }
  find(entry: number): AuditEntry | null {
    return this.entries.find((one) => one.entry === entry) ?? null;
  }

  /** Shows what fits another query. */
  ask(query: AuditQuery) {
    if (JSON.stringify(query) === JSON.stringify(this.#query)) return;
    this.#query = query;
    this.#wanted = PAGE;
    void this.#list.reload();
  }

  /** Reads the next older page. */
  async older() {
    if (!this.more || this.refreshing) return;
    this.#wanted = this.entries.length + PAGE;
    await this.#list.reload();
  }

  /** Reads the whole chain of hashes. */
  async verify() {
    if (this.#verifying) return;
    this.#verifying = true;
    try {
      this.#verdict = await backend.auditVerify();
    } catch (thrown) {
      toasts.failed(asBackendError(thrown));
    } finally {
      this.#verifying = false;
    }
  }

  /** Writes what fits the query to a file; null if that failed. */
  async export(format: Format) {
    try {
      return await backend.auditExport(this.#query, format);
    } catch (thrown) {
      toasts.failed(thrown);
      return null;
    }
  }

  async #read() {
    const query = this.#query;
    const entries: AuditEntry[] = [];
    let next: number | null = null;
    do {
      const page = await backend.audit(query, next, Math.min(LONGEST, this.#wanted - entries.length));
      entries.push(...page.entries);
      next = page.next;
    } while (next !== null && entries.length < this.#wanted);
    return { entries, next };
  }
}

const NOTHING: AuditQuery = { text: null, actor: null, action: null, kind: null, name: null, from: null, to: null };

export const audit = new Audit();
