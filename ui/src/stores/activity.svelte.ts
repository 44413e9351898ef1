import {
  asBackendError,
  backend,
  type ActivityLine,
  type ActivityNow,
  type ActivityQuery,
  type ActivityRunning,
  type BackendError,
  type CallDetail,
  type Changed,
} from "../backend";
import { feed, Resource, SETTLE_MS } from "./resource.svelte";

const PAGE = 200;
/** No more lines are held in view. */
export const MOST = 10_000;
/** After so many full pages of news, the newest page is read afresh. */
const NEWS_PAGES = 3;

/** Other processes on the folder call without an event in this one: that often what is on its way is looked at. */
const LOOK_MS = 1000;
const HEARD: Changed[] = ["usage", "settings"];

/** What is on its way, or was when the log was held. */
export type OnItsWay = ActivityRunning & { ended: boolean };

/** The log of the ledger, the newest first: read page by page as far as somebody scrolls, with what is new put on top. */
export class ActivityLog {
  #query: ActivityQuery | null = null;
  #lines = $state.raw<ActivityLine[]>([]);
  /** new ones while the log is held */
  #waiting = $state.raw<ActivityLine[]>([]);
  #more = $state(false);
  #held = $state(false);
  #read = $state(false);
  #busy = $state(false);
  #error = $state.raw<BackendError | null>(null);
  /** the next page is being read, or will be after the news that came first */
  #reads = false;
  #newest = 0;
  /** what was on its way when the log was held: its rows stay where they are */
  #seen = $state.raw<ActivityRunning[]>([]);
  readonly #now = new Resource<ActivityNow | null>(() => this.#look(), ["running", "usage"]);
  #watchers = 0;
  #stale = true;
  /** what the feed had told when nobody looked any more */
  #left = 0;
  #unsubscribe = () => {};
  // One read after the other: a late line is then either in the page that is read next, or among the news after it.
  #queue: Promise<void> = Promise.resolve();

  get lines(): ActivityLine[] {
    return this.#lines;
  }
  /** how many are new since it is held */
  get waiting(): number {
    return this.#waiting.length;
  }
  get held(): boolean {
    return this.#held;
  }
  /** there are older ones, and room for them */
  get more(): boolean {
    return this.#more && !this.full;
  }
  get full(): boolean {
    return this.#more && this.#lines.length >= MOST;
  }
  get loading(): boolean {
    return !this.#read && this.#error === null;
  }
  get refreshing(): boolean {
    return this.#busy && this.#read;
  }
  get error(): BackendError | null {
    return this.#error;
  }

  /** On its way, the newest first. */
  get running(): OnItsWay[] {
    const now = this.#onItsWay();
    const shown = this.#held ? this.#seen : now;
    return shown.map((call) => ({ ...call, ended: !now.some(isSame(call)) }));
  }

  /** Keeps what is on its way true while it is shown, and the log after what other processes enter. */
  watchRunning(): () => void {
    const unwatch = this.#now.watch();
    const timer = setInterval(() => {
      if (!document.hidden) void this.#now.reload();
    }, LOOK_MS);
    return () => {
      clearInterval(timer);
      unwatch();
    };
  }

  /** Keeps the log true while it is shown. */
  watch(): () => void {
    this.#watchers += 1;
    if (this.#watchers === 1) this.#subscribe();
    if (this.#stale && this.#query) void this.reload();
    return () => {
      this.#watchers -= 1;
      if (this.#watchers > 0) return;
      this.#unsubscribe();
      this.#left = feed.told(HEARD);
    };
  }

  /** Shows what fits another query. */
  ask(query: ActivityQuery) {
    if (JSON.stringify(query) === JSON.stringify(this.#query)) return;
    this.#query = query;
    this.#held = false;
    this.#now.put(null);
    if (this.#watchers > 0) void this.#now.reload();
    void this.reload();
  }

  reload(): Promise<void> {
    this.#stale = false;
    return this.#then(() => this.#first());
  }

  /** Reads the next older page. */
  older(): Promise<void> {
    if (!this.more || this.#reads) return Promise.resolve();
    this.#reads = true;
    return this.#then(() => this.#older()).finally(() => (this.#reads = false));
  }

  /** What is new waits from now on. */
  hold() {
    if (!this.#held) this.#seen = this.#onItsWay();
    this.#held = true;
  }

  /** What waited is shown, and what is new as it comes. */
  release() {
    this.#held = false;
    this.#lines = this.#merged(this.#waiting);
    this.#waiting = [];
  }

  /** A call that has just ended may be in the ledger already. */
  #onItsWay(): ActivityRunning[] {
    const newest = this.#lines.slice(0, PAGE);
    return this.#now.value?.running.filter((call) => !newest.some(isSame(call))) ?? [];
  }

  async #look(): Promise<ActivityNow | null> {
    const query = this.#query;
    if (!query) return null;
    const now = await backend.activityNow(query);
    if (query !== this.#query) return this.#now.value;
    if (this.#read && now.newest > this.#newest) void this.#then(() => this.#news());
    return now;
  }

  #subscribe() {
    if (feed.told(HEARD) !== this.#left) this.#stale = true;
    const ends = [
      feed.subscribe(["usage"], SETTLE_MS, () => this.#touch(() => this.#news())),
      // Sample data come and go with these, and days are cut in another zone.
      feed.subscribe(["settings"], SETTLE_MS, () => this.#touch(() => this.#first())),
    ];
    this.#unsubscribe = () => ends.forEach((end) => end());
  }

  #touch(work: () => Promise<void>) {
    this.#stale = true;
    if (this.#query) void this.#then(work);
  }

  #then(work: () => Promise<void>): Promise<void> {
    this.#queue = this.#queue.then(async () => {
      this.#busy = true;
      try {
        await work();
        this.#error = null;
      } catch (thrown) {
        this.#error = asBackendError(thrown);
        this.#stale = true;
      }
      this.#busy = false;
    });
    return this.#queue;
  }

  async #first() {
    const query = this.#query;
    if (!query) return;
    this.#stale = false;
    const page = await backend.activity(query, null, PAGE);
    if (query !== this.#query) return;
    this.#lines = page.lines;
    this.#waiting = [];
    this.#more = page.more;
    this.#newest = page.newest;
    this.#read = true;
  }

  async #older() {
    const [query, last] = [this.#query, this.#lines.at(-1)];
    if (!query || !last || !this.more) return;
    const page = await backend.activity(query, { at: last.at, id: last.id }, PAGE);
    if (query !== this.#query) return;
    this.#more = page.more;
    this.#lines = [...this.#lines, ...page.lines];
  }

  async #news() {
    const query = this.#query;
    if (!query || !this.#read) return;
    this.#stale = false;
    for (let pages = 0; pages < NEWS_PAGES; pages += 1) {
      const page = await backend.activityNews(query, this.#newest);
      if (query !== this.#query) return;
      this.#newest = page.newest;
      if (this.#held) this.#waiting = [...this.#waiting, ...page.lines];
      else if (page.lines.length > 0) this.#lines = this.#merged(page.lines);
      if (!page.more) return;
    }
    if (!this.#held) await this.#first();
  }

  /** All lines with some new ones among them. What began before the oldest of these comes with its page. */
  #merged(added: ActivityLine[]): ActivityLine[] {
    const last = this.#lines.at(-1);
    const fits = (line: ActivityLine) => !this.#more || !last || before(line, last) < 0;
    const all = [...added.filter(fits), ...this.#lines].sort(before);
    const cut = all.length > MOST;
    if (cut) this.#more = true;
    return cut ? all.slice(0, MOST) : all;
  }
}

type Attempt = { call: string; attempt: number };
const isSame = (one: Attempt) => (other: Attempt) => one.call === other.call && one.attempt === other.attempt;

/** The order of the log. */
function before(a: ActivityLine, b: ActivityLine): number {
  return b.at - a.at || b.id - a.id;
}

/** One call in full. */
export class Call {
  #call = "";
  readonly #detail = new Resource<CallDetail | null>(() => backend.activityCall(this.#call), ["usage"]);

  constructor(call: string) {
    this.#call = call;
  }

  get detail(): CallDetail | null {
    return this.#detail.value;
  }
  get loading() {
    return this.#detail.loading;
  }
  get error() {
    return this.#detail.error;
  }
  watch() {
    return this.#detail.watch();
  }
  reload() {
    return this.#detail.reload();
  }
}

/** The Activity screen's. */
export const activity = new ActivityLog();
