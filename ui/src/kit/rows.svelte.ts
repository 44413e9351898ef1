import { tick } from "svelte";
import { partOf, scrollFor, type Part } from "./windowing";

type Source = {
  /** of all rows, in their order */
  keys: () => string[];
  /** the row whose detail is open, "" for none */
  open: () => string;
  /** px of the heading that stands above the rows */
  heading: number;
  /** px of others that stand between the heading and the rows, and scroll with them */
  above?: number;
  /** px of a row, until one is drawn */
  row: number;
  /** up to so many rows are drawn whole, where it is not the usual number */
  whole?: number;
};

/** The rows of a long table: which are drawn, which the keyboard is on. Each row carries its key as `data-key`. */
export class Rows {
  /** bound by the table: the element that scrolls, and its height in px */
  scroller = $state.raw<HTMLElement>();
  visible = $state(600);

  #top = $state(0);
  #height = $state(0);
  #focused = $state("");
  readonly #source: Source;
  readonly #view = $derived.by(() => ({
    count: this.#source.keys().length,
    height: this.height,
    top: this.#top - (this.#source.above ?? 0),
    visible: this.visible,
    whole: this.#source.whole,
  }));
  readonly #part = $derived(partOf(this.#view));

  constructor(source: Source) {
    this.#source = source;
  }

  /** px */
  get height(): number {
    return this.#height || this.#source.row;
  }
  /** the rows that are drawn */
  get part(): Part {
    return this.#part;
  }
  /** the one row Tab stops at */
  get stop(): string {
    const drawn = this.#source.keys().slice(this.#part.from, this.#part.to);
    const open = this.#source.open();
    return [this.#focused, open].find((key) => drawn.includes(key)) ?? drawn[0] ?? "";
  }

  /** the row that has the focus, "" if none has */
  current(): string {
    return document.activeElement?.closest<HTMLElement>("tr[data-key]")?.dataset["key"] ?? "";
  }
  /** The focus has come to a row. */
  focused(key: string) {
    this.#focused = key;
  }
  focus(key: string): Promise<void> {
    return this.#show(this.#source.keys().indexOf(key));
  }
  move(by: number): Promise<void> {
    const keys = this.#source.keys();
    const at = keys.indexOf(this.current() || this.#focused || this.#source.open());
    return this.#show(Math.min(keys.length - 1, Math.max(0, at + by)));
  }
  edge(end: "first" | "last"): Promise<void> {
    return this.#show(end === "first" ? 0 : this.#source.keys().length - 1);
  }

  scrolled() {
    this.#top = this.scroller?.scrollTop ?? 0;
  }
  /** Another list begins at its top. */
  toTop() {
    this.#top = 0;
    if (this.scroller) this.scroller.scrollTop = 0;
  }
  /** Rows differ by the height of the system's font: the first one drawn says how high they are. */
  measure() {
    const first = this.#source.keys()[this.#part.from];
    this.#height = (first === undefined ? 0 : this.#rowOf(first)?.offsetHeight) || this.#height;
  }

  // A row far away is not drawn: it is scrolled to first.
  async #show(at: number) {
    const key = this.#source.keys()[at];
    if (key === undefined) return;
    this.#focused = key;
    const place = scrollFor(at, this.#view, this.#source.heading);
    if (place !== this.#view.top && this.scroller) {
      this.#top = at === 0 ? 0 : place + (this.#source.above ?? 0);
      this.scroller.scrollTop = this.#top;
    }
    await tick();
    this.#rowOf(key)?.focus({ preventScroll: true });
  }

  #rowOf(key: string) {
    return this.scroller?.querySelector<HTMLElement>(`tr[data-key="${CSS.escape(key)}"]`);
  }
}
