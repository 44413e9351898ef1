import { asBackendError, backend, type BackendError, type Changed } from "../backend";

/** One answer of the backend that stays true: it is read again when what it shows has changed. Old data stay during a refresh. */
export class Resource<T> {
  #value = $state.raw<T | null>(null);
  #error = $state.raw<BackendError | null>(null);
  #busy = $state(false);
  #watchers = 0;
  /** how many changes the feed had told when the value was read; none was read yet, or the last read failed: -1 */
  #seen = -1;
  #again = false;
  #puts = 0;
  #running: Promise<void> | null = null;
  #unsubscribe = () => {};
  readonly #read: () => Promise<T>;
  readonly #on: Changed[];
  readonly #pace: number;

  /** `pace` is the time between two reads in ms, however often things change. */
  constructor(read: () => Promise<T>, on: Changed[], pace = SETTLE_MS) {
    this.#read = read;
    this.#on = on;
    this.#pace = pace;
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
    if (this.#watchers === 1) this.#unsubscribe = feed.subscribe(this.#on, this.#pace, () => this.#refresh());
    this.#refresh();
    return () => {
      this.#watchers -= 1;
      if (this.#watchers === 0) this.#unsubscribe();
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
    this.#error = null;
    this.#puts += 1;
    this.#again = true;
  }

  async #run(): Promise<void> {
    this.#busy = true;
    do {
      this.#again = false;
      this.#seen = feed.told(this.#on);
      const puts = this.#puts;
      try {
        const value = await this.#read();
        if (puts === this.#puts) this.#value = value;
        this.#error = null;
      } catch (thrown) {
        this.#error = asBackendError(thrown);
        this.#seen = -1;
      }
    } while (this.#again);
    this.#busy = false;
  }

  #refresh() {
    if (this.#seen !== feed.told(this.#on)) void this.reload();
  }
}

/** Busy bots change the ledger many times a second: a screen re-reads it at most this often. */
export const SETTLE_MS = 250;
/** Reports are read over all of the ledger, and nobody reads figures faster. */
export const REPORT_MS = 2000;

/** Who hears of changes: at most once in its pace, and soon after the first one. */
class Listener {
  #timer: ReturnType<typeof setTimeout> | null = null;
  #last = -Infinity;
  readonly #pace: number;
  readonly #hear: () => void;

  constructor(pace: number, hear: () => void) {
    this.#pace = pace;
    this.#hear = hear;
  }

  tell() {
    const wait = Math.max(SETTLE_MS, this.#last + this.#pace - performance.now());
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#last = performance.now();
      this.#hear();
    }, wait);
  }

  end() {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}

class Feed {
  readonly #listeners = new Map<Changed, Set<Listener>>();
  readonly #told = new Map<Changed, number>();

  /** Starts listening to the backend; once, at the start of the window. */
  async open() {
    await backend.onChanged((what) => this.tell(what));
  }

  /** Something has changed. */
  tell(what: Changed) {
    this.#told.set(what, this.told([what]) + 1);
    for (const listener of this.#listeners.get(what) ?? []) listener.tell();
  }

  /** How many changes of these were told so far: another number says that what was read is old. */
  told(on: Changed[]): number {
    return on.reduce((sum, what) => sum + (this.#told.get(what) ?? 0), 0);
  }

  subscribe(on: Changed[], pace: number, hear: () => void): () => void {
    const listener = new Listener(pace, hear);
    for (const what of on) {
      const listeners = this.#listeners.get(what) ?? new Set();
      this.#listeners.set(what, listeners.add(listener));
    }
    return () => {
      for (const what of on) this.#listeners.get(what)?.delete(listener);
      listener.end();
    };
  }
}

export const feed = new Feed();
