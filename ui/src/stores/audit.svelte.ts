import {
  asBackendError,
  backend,
  type AuditEntry,
  type AuditQuery,
  type AuditVerdict,
  type Changed,
  type Format,
} from "../backend";
import { Resource } from "./resource.svelte";
import { toasts } from "./toasts.svelte";

const PAGE = 100;
/** The backend answers no longer page. */
const LONGEST = 1000;

/** Whatever is changed is in the log: all that is told but the ledger and the calls on their way. */
const CONFIGURATION: Changed[] = [
  "connections",
  "status",
  "apps",
  "settings",
  "checks",
  "models",
  "profiles",
  "views",
  "alerts",
  "budgets",
];

type Page = { entries: AuditEntry[]; next: number | null };

/** The audit log, newest first, page by page. */
class Audit {
  #query: AuditQuery = NOTHING;
  /** as many entries as were scrolled to */
  #wanted = PAGE;
  #held: { query: AuditQuery; page: Page } | null = null;
  #verdict = $state.raw<AuditVerdict | null>(null);
  #verifying = $state(false);
  readonly #list = new Resource(() => this.#read(), CONFIGURATION);

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

  /** What is new and on top; entries never change, so the older ones that are here already are not read again. */
  async #read(): Promise<Page> {
    const query = this.#query;
    const held = this.#held?.query === query ? this.#held.page : null;
    const page = held ? await this.#news(query, held) : await this.#older(query, { entries: [], next: null });
    const whole = page.next !== null && page.entries.length < this.#wanted ? await this.#older(query, page) : page;
    this.#held = { query, page: whole };
    return whole;
  }

  async #news(query: AuditQuery, held: Page): Promise<Page> {
    const newest = held.entries[0]?.entry ?? 0;
    const page = await backend.audit(query, null, PAGE);
    const known = page.entries.findIndex(({ entry }) => entry === newest);
    // More than a page is new, or there was none before.
    if (known < 0) return page;
    return { entries: [...page.entries.slice(0, known), ...held.entries], next: held.next };
  }

  /** Reads on below what is held, as far as is wanted. */
  async #older(query: AuditQuery, held: Page): Promise<Page> {
    const entries = [...held.entries];
    let next = held.next;
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
