import { backend, type ChartRequest } from "../backend";
import { Resource } from "./resource.svelte";

const DAYS = 30;

/** Spend by day, drawn by Rust for the size, theme and series that are shown right now. */
class SpendChart {
  #request: ChartRequest | null = null;
  readonly #drawn = new Resource(() => this.#draw(), ["usage", "settings"]);

  get chart() {
    return this.#drawn.value;
  }
  get error() {
    return this.#drawn.error;
  }

  /** Draws for a size in px, unless it is drawn so already. */
  fit(width: number, height: number, theme: ChartRequest["theme"]) {
    const now = this.#request;
    if (now?.width === width && now.height === height && now.theme === theme) return;
    this.#request = { width, height, theme, days: DAYS, hidden: now?.hidden ?? [] };
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
    if (!this.#request) throw new Error("The chart has no size yet");
    return backend.spendChart(this.#request);
  }
}

export const spendChart = new SpendChart();
