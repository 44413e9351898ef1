import { backend, type Chart, type ChartKind, type ChartRequest, type UsageQuery } from "../backend";
import { Resource } from "./resource.svelte";

/** One chart, drawn by Rust for the query, size, theme and series that are shown right now. */
export class DrawnChart {
  readonly kind: ChartKind;
  #query: UsageQuery | null = null;
  #request: ChartRequest | null = null;
  readonly #drawn = new Resource(() => this.#draw(), ["usage", "settings"]);

  constructor(kind: ChartKind) {
    this.kind = kind;
  }

  get chart(): Chart | null {
    return this.#drawn.value;
  }
  get error() {
    return this.#drawn.error;
  }

  /** Draws a query for a size in px, unless it is drawn so already. */
  fit(query: UsageQuery, width: number, height: number, theme: ChartRequest["theme"]) {
    const now = this.#request;
    const same = now?.width === width && now.height === height && now.theme === theme;
    if (same && JSON.stringify(query) === JSON.stringify(this.#query)) return;
    // Other groups have other names: what was hidden is not among them.
    const hidden = this.#query?.by === query.by ? (now?.hidden ?? []) : [];
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

  #hide(hidden: string[]) {
    if (!this.#request) return;
    this.#request = { ...this.#request, hidden };
    void this.reload();
  }

  async #draw() {
    if (!this.#request || !this.#query) throw new Error("The chart has no size yet");
    return backend.usageChart(this.kind, this.#query, this.#request);
  }
}

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
