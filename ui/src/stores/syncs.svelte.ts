import { SvelteMap } from "svelte/reactivity";
import { asBackendError, backend, type BackendError, type SyncReport } from "../backend";
import { plural } from "../format";
import { connections } from "./connections.svelte";
import { models } from "./models.svelte";
import { toasts } from "./toasts.svelte";

const AT_ONCE = 4;

/** Reading the providers' lists of models: what is being read, and how it ended. */
class Syncs {
  readonly #running = new SvelteMap<string, number>();
  readonly #errors = new SvelteMap<string, BackendError>();
  #reports = $state.raw<SyncReport[]>([]);
  #total = $state(0);
  #done = $state(0);
  #stopping = $state(false);

  get running(): boolean {
    return this.#total > 0;
  }
  get stopping(): boolean {
    return this.#stopping;
  }
  /** lists wanted, and lists read */
  get progress(): { done: number; total: number } {
    return { done: this.#done, total: this.#total };
  }
  reads(slug: string): boolean {
    return this.#running.has(slug);
  }
  /** of the last round, until they are put away */
  get reports(): SyncReport[] {
    return this.#reports;
  }
  error(slug: string): BackendError | null {
    return this.#errors.get(slug) ?? null;
  }
  get errors(): BackendError[] {
    return [...this.#errors.values()];
  }
  putAway() {
    this.#reports = [];
    this.#errors.clear();
  }

  /** Reads the lists of these providers, four at a time, and says how it went. */
  async read(slugs: string[]) {
    if (this.running || slugs.length === 0) return;
    this.putAway();
    const queue = [...slugs];
    this.#total = queue.length;
    this.#done = 0;
    this.#stopping = false;
    const worker = async () => {
      for (let slug = queue.shift(); slug !== undefined && !this.#stopping; slug = queue.shift()) await this.#one(slug);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    await models.reload();
    this.#total = 0;
    announce(this.#reports, this.#stopping);
  }

  /** Reads the list of every provider that has a connection. */
  readAll() {
    return this.read([...new Set(connections.list.map(({ provider }) => provider))]);
  }

  async stop() {
    if (!this.running) return;
    this.#stopping = true;
    await backend.modelsSyncStop().catch((thrown: unknown) => toasts.failed(thrown));
  }

  async #one(slug: string) {
    this.#running.set(slug, Date.now());
    try {
      this.#reports = [...this.#reports, ...(await backend.modelsSync(slug))];
    } catch (thrown) {
      this.#errors.set(slug, asBackendError(thrown));
    } finally {
      this.#running.delete(slug);
      this.#done += 1;
    }
  }
}

function announce(reports: SyncReport[], stopped: boolean) {
  const done = reports.filter(({ outcome }) => outcome === "done");
  if (done.length === 0) {
    if (stopped) toasts.note("Stopped. Nothing has changed", "minus");
    return;
  }
  const sum = (of: (report: SyncReport) => number) => done.reduce((total, report) => total + of(report), 0);
  const words = [
    plural(
      sum(({ listed }) => listed),
      "model",
    ),
    `${sum(({ added }) => added.length)} new`,
    `${sum(({ gone }) => gone.length)} gone`,
    plural(
      sum(({ prices_changed }) => prices_changed),
      "new price",
    ),
  ];
  toasts.done(`${stopped ? "Stopped. " : ""}Read ${plural(done.length, "list")}: ${words.join(", ")}`);
}

export const syncs = new Syncs();
