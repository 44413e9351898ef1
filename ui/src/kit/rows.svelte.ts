import { tick } from "svelte";
import { partOf, scrollFor, type Part } from "./windowing";

type Order = {
  /** of all rows, in their order */
  keys: () => string[];
  /** the row whose detail is open, "" for none */
  open: () => string;
};

/** Rows that the keyboard walks along; Tab stops at one of them. Each carries its key as `data-key`. */
export class Walk {
  /** bound by the list: the element that the rows are in */
  scroller = $state.raw<HTMLElement>();
  #focused = $state("");
  readonly #order: Order;
  readonly #keys = $derived.by(() => this.#order.keys());
  readonly #stop = $derived.by(() => {
    const within = this.within();
    return [this.#focused, this.#order.open()].find((key) => within.includes(key)) ?? within[0] ?? "";
  });

  constructor(order: Order) {
    this.#order = order;
  }

  get keys(): string[] {
    return this.#keys;
  }
  /** the one row Tab stops at */
  get stop(): string {
    return this.#stop;
  }
  /** the row that has the focus, "" if none of these has */
  current(): string {
    const row = document.activeElement?.closest<HTMLElement>("[data-key]");
    return row && this.scroller?.contains(row) ? (row.dataset["key"] ?? "") : "";
  }
  /** The focus has come to a row. */
  focused(key: string) {
    this.#focused = key;
  }
  focus(key: string): Promise<void> {
    return this.#show(this.keys.indexOf(key));
  }
  move(by: number): Promise<void> {
    return this.#show(this.keys.indexOf(this.next(by, this.current() || this.#focused || this.#order.open())));
  }
  edge(end: "first" | "last"): Promise<void> {
    return this.#show(end === "first" ? 0 : this.keys.length - 1);
  }
  /** the row so many below another one, as far as there are any; "" where there is none at all */
  next(by: number, from: string): string {
    const at = this.keys.indexOf(from) + by;
    return this.keys[Math.min(this.keys.length - 1, Math.max(0, at))] ?? "";
  }

  async #show(at: number) {
    const key = this.keys[at];
    if (key === undefined) return;
    this.#focused = key;
    const preventScroll = this.scrollTo(at);
    await tick();
    this.rowOf(key)?.focus({ preventScroll });
  }

  /** of which Tab may stop at one */
  protected within(): string[] {
    return this.keys;
  }
  /** Brings a row into view. Says whether that is done; where not, the focus does it. */
  protected scrollTo(_at: number): boolean {
    return false;
  }
  protected rowOf(key: string) {
    return this.scroller?.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`);
  }
}

type Source = Order & {
  /** px of the heading that stands above the rows */
  heading: number;
  /** px of others that stand between the heading and the rows, and scroll with them */
  above?: number;
  /** px of a row, until one is drawn */
  row: number;
  /** up to so many rows are drawn whole, where it is not the usual number */
  whole?: number;
};

/** The rows of a long table: only those in view are drawn. `scroller` is what scrolls. */
export class Rows extends Walk {
  /** bound by the table: px */
  visible = $state(600);

  #top = $state(0);
  #height = $state(0);
  readonly #source: Source;
  readonly #view = $derived.by(() => ({
    count: this.keys.length,
    height: this.height,
    top: this.#top - (this.#source.above ?? 0),
    visible: this.visible,
    whole: this.#source.whole,
  }));
  readonly #part = $derived(partOf(this.#view));

  constructor(source: Source) {
    super(source);
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
    const first = this.keys[this.#part.from];
    this.#height = (first === undefined ? 0 : this.rowOf(first)?.offsetHeight) || this.#height;
  }

  protected override within(): string[] {
    return this.keys.slice(this.#part.from, this.#part.to);
  }
  // A row far away is not drawn: it is scrolled to before it can have the focus.
  protected override scrollTo(at: number): boolean {
    const place = scrollFor(at, this.#view, this.#source.heading);
    if (place !== this.#view.top && this.scroller) {
      this.#top = at === 0 ? 0 : place + (this.#source.above ?? 0);
      this.scroller.scrollTop = this.#top;
    }
    return true;
  }
}
