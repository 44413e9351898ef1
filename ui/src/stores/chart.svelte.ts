import {
  backend,
  type ActivityQuery,
  type Chart,
  type ChartFormat,
  type ChartKind,
  type ChartOf,
  type ChartRequest,
  type ExploreQuery,
  type ShownKind,
  type UsageQuery,
} from "../backend";
import { REPORT_MS, Resource } from "./resource.svelte";

/** One chart, drawn by Rust for the query, size, theme and series that are shown right now. */
export class Drawn<Q> {
  #query: Q | null = null;
  #request: ChartRequest | null = null;
  readonly #drawn = new Resource(() => this.#draw(), ["usage", "settings", "budgets"], REPORT_MS);

  readonly #ask: (query: Q, request: ChartRequest) => Promise<Chart>;
  readonly #groups: (query: Q) => string;

  /** `groups` says what the series are: those of other groups have other names. */
  constructor(ask: (query: Q, request: ChartRequest) => Promise<Chart>, groups: (query: Q) => string) {
    this.#ask = ask;
    this.#groups = groups;
  }

  get chart(): Chart | null {
    return this.#drawn.value;
  }
  get error() {
    return this.#drawn.error;
  }

  /** Draws a query for a size in px, unless it is drawn so already. */
  fit(query: Q, width: number, height: number, theme: ChartRequest["theme"]) {
    const now = this.#request;
    const same = now?.width === width && now.height === height && now.theme === theme;
    if (same && JSON.stringify(query) === JSON.stringify(this.#query)) return;
    // What was hidden is not among other groups.
    const alike = this.#query !== null && this.#groups(this.#query) === this.#groups(query);
    const hidden = alike ? (now?.hidden ?? []) : [];
    this.#query = query;
    this.#request = { width, height, theme, hidden };
    void this.reload();
  }

  /** Hides a series, or shows it again. */
  toggle(id: string) {
    const hidden = this.#request?.hidden ?? [];
    this.#hide(hidden.includes(id) ? hidden.filter((other) => other !== id) : [...hidden, id]);
  }

  /** Shows this series alone; asked again, all of them. */
  isolate(id: string) {
    const others = (this.chart?.series ?? []).map((series) => series.id).filter((other) => other !== id);
    const hidden = this.#request?.hidden ?? [];
    const alone = !hidden.includes(id) && others.every((other) => hidden.includes(other));
    this.#hide(alone ? [] : others);
  }

  reload() {
    return this.#drawn.reload();
  }

  /** Keeps it true while it is shown. Before `fit` there is nothing to draw for. */
  watch(): () => void {
    return this.#request ? this.#drawn.watch() : () => {};
  }

  /** What is asked for and how it is drawn; null before `fit`. */
  protected get asked(): { query: Q; request: ChartRequest } | null {
    return this.#request && this.#query !== null ? { query: this.#query, request: this.#request } : null;
  }

  #hide(hidden: string[]) {
    if (!this.#request) return;
    this.#request = { ...this.#request, hidden };
    void this.reload();
  }

  async #draw() {
    const { query, request } = known(this.asked);
    return this.#ask(query, request);
  }
}

/** A chart with a menu: as it is shown it can be taken along. */
export class CardChart<Q> extends Drawn<Q> {
  readonly #of: (query: Q) => ChartOf;

  /** `of` is the question behind it. */
  constructor(
    ask: (query: Q, request: ChartRequest) => Promise<Chart>,
    groups: (query: Q) => string,
    of: (query: Q) => ChartOf,
  ) {
    super(ask, groups);
    this.#of = of;
  }

  /** Writes it into a file. */
  async save(format: ChartFormat) {
    return backend.chartExport(this.#shown(), format);
  }

  /** Puts its picture on the clipboard. */
  async copy() {
    return backend.chartCopy(this.#shown());
  }

  #shown() {
    const { query, request } = known(this.asked);
    return { of: this.#of(query), request };
  }
}

function known<T>(asked: T | null): T {
  if (asked === null) throw new Error("The chart has no size yet");
  return asked;
}

/** A chart of the Usage screen's query. */
export class DrawnChart extends CardChart<UsageQuery> {
  readonly #kind: ChartKind;

  constructor(kind: ChartKind) {
    super(
      (query, request) => backend.usageChart(kind, query, request),
      ({ by }) => by,
      (query) => ({ screen: "usage", kind, query }),
    );
    this.#kind = kind;
  }

  /** How it is drawn for a query; nothing where it was last drawn for another one, or never. */
  shownFor(query: UsageQuery, theme: ChartRequest["theme"]): ShownKind[] {
    const { asked } = this;
    if (!asked || JSON.stringify(asked.query) !== JSON.stringify(query)) return [];
    return [{ kind: this.#kind, request: { ...asked.request, theme } }];
  }
}

/** Explore's number over time. */
export const exploreChart = new CardChart<ExploreQuery>(
  backend.usageExploreChart,
  ({ by, top }) => `${by} ${top}`,
  (query) => ({ screen: "explore", query }),
);

/** The bars above the log. */
export const activityBars = new Drawn<ActivityQuery>(backend.activityTempo, () => "");

/** What an alert is about, over time. */
export const alertChart = new CardChart<number>(backend.alertChart, String, (id) => ({ screen: "alert", id }));

/** Spend of the last 30 days by provider: the overview's. */
export const spendChart = new DrawnChart("spend");
export const LAST_30_DAYS: UsageQuery = { days: { kind: "last", days: 30 }, conditions: [], by: "provider" };

/** The charts of the Usage screen. */
export const usageCharts = {
  spend: new DrawnChart("spend"),
  hours: new DrawnChart("hours"),
  errors: new DrawnChart("errors"),
  tokens: new DrawnChart("tokens"),
  latency: new DrawnChart("latency"),
  calendar: new DrawnChart("calendar"),
};
