import { asBackendError, backend, type BackendError, type Changed } from "../backend";

/** One answer of the backend that stays true: it is read again when what it shows has changed. Old data stay during a refresh. */
export class Resource<T> {
  #value = $state.raw<T | null>(null);
  #error = $state.raw<BackendError | null>(null);
  #busy = $state(false);
  #watchers = 0;
  #stale = true;
  #again = false;
  #puts = 0;
  #running: Promise<void> | null = null;
  readonly #read: () => Promise<T>;

  constructor(read: () => Promise<T>, on: Changed[]) {
    this.#read = read;
    feed.subscribe(on, () => this.#touch());
  }

  get value(): T | null {
    return this.#value;
  }
  get error(): BackendError | null {
    return this.#error;
  }
  /** nothing to show yet */
  get loading(): boolean {
    return this.#value === null && this.#error === null;
  }
  /** being read while old data are shown */
  get refreshing(): boolean {
    return this.#busy && this.#value !== null;
  }

  /** Keeps the value fresh while somebody looks: `$effect(() => resource.watch())`. */
  watch(): () => void {
    this.#watchers += 1;
    if (this.#stale) void this.reload();
    return () => {
      this.#watchers -= 1;
    };
  }

  /** Reads now. Calls during a read are folded into one more read after it. */
  reload(): Promise<void> {
    if (this.#running) {
      this.#again = true;
      return this.#running;
    }
    this.#running = this.#run().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** Shows a value before the backend confirms it (an optimistic edit). A read under way is of the time before: one more follows it. */
  put(value: T) {
    this.#value = value;
    this.#puts += 1;
    this.#again = true;
  }

  async #run(): Promise<void> {
    this.#busy = true;
    do {
      this.#again = false;
      this.#stale = false;
      const puts = this.#puts;
      try {
        const value = await this.#read();
        if (puts === this.#puts) this.#value = value;
        this.#error = null;
      } catch (thrown) {
        this.#error = asBackendError(thrown);
      }
    } while (this.#again);
    this.#busy = false;
  }

  #touch() {
    this.#stale = true;
    if (this.#watchers > 0) void this.reload();
  }
}

/** Busy bots change the ledger many times a second: a screen re-reads it at most this often. */
const SETTLE_MS = 250;

class Feed {
  readonly #listeners = new Map<Changed, Set<() => void>>();
  readonly #pending = new Set<() => void>();
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** Starts listening to the backend; once, at the start of the window. */
  async open() {
    await backend.onChanged((what) => this.#queue(what));
  }

  subscribe(on: Changed[], listener: () => void) {
    for (const what of on) {
      const listeners = this.#listeners.get(what) ?? new Set();
      listeners.add(listener);
      this.#listeners.set(what, listeners);
    }
  }

  #queue(what: Changed) {
    for (const listener of this.#listeners.get(what) ?? []) this.#pending.add(listener);
    this.#timer ??= setTimeout(() => this.#flush(), SETTLE_MS);
  }

  #flush() {
    this.#timer = null;
    const due = [...this.#pending];
    this.#pending.clear();
    for (const listener of due) listener();
  }
}

export const feed = new Feed();
