import { preferences } from "../stores/preferences.svelte";

type Dropped = (key: string, to: number) => void;

/** A row being dragged by its grip, among its siblings with a `data-key`. Pointer events: the web view keeps native drags for files. */
export class Drag {
  #key = $state("");
  #offset = $state(0);
  #to = $state(-1);
  #from = -1;
  #startY = 0;
  #middles: number[] = [];
  #top = 0;
  #height = 0;
  readonly #dropped: Dropped;
  readonly #row: "tr" | "li";

  constructor(dropped: Dropped, row: "tr" | "li" = "tr") {
    this.#dropped = dropped;
    this.#row = row;
  }

  get key() {
    return this.#key;
  }
  /** how far the row is lifted from its place, px */
  get offset() {
    return this.#offset;
  }

  /** top and height of the place where it lands, px in the table */
  get slot(): { top: number; height: number } | null {
    if (!this.#key) return null;
    return { top: this.#top + (this.#to - this.#from) * this.#height, height: this.#height };
  }

  /** How far the row at this place of a group makes room. */
  shift(group: string[], at: number): number {
    if (!group.includes(this.#key) || at === this.#from) return 0;
    if (at > this.#from && at <= this.#to) return -this.#height;
    return at < this.#from && at >= this.#to ? this.#height : 0;
  }

  start(event: PointerEvent & { currentTarget: HTMLElement }, key: string) {
    const row = event.currentTarget.closest<HTMLElement>(this.#row);
    const rows = [...(row?.parentElement?.querySelectorAll<HTMLElement>(`${this.#row}[data-key]`) ?? [])];
    if (!row || rows.length < 2) return;
    event.preventDefault();
    event.currentTarget.setPointerCapture(event.pointerId);
    this.#middles = rows.map((other) => other.getBoundingClientRect()).map(({ top, height }) => top + height / 2);
    this.#top = row.offsetTop;
    this.#height = row.offsetHeight;
    this.#key = key;
    this.#from = this.#to = rows.indexOf(row);
    this.#startY = event.clientY;
    this.#offset = 0;
  }

  move(event: PointerEvent) {
    if (!this.#key) return;
    this.#offset = (event.clientY - this.#startY) / preferences.zoom;
    // The edge that leads decides, so half a row is far enough.
    const lead = Math.sign(this.#offset) * (this.#height / 2) * preferences.zoom;
    const edge = (this.#middles[this.#from] ?? 0) + event.clientY - this.#startY + lead;
    const others = this.#middles.filter((_, at) => at !== this.#from);
    this.#to = others.filter((other) => other < edge).length;
  }

  drop() {
    if (this.#key && this.#to !== this.#from) this.#dropped(this.#key, this.#to);
    this.cancel();
  }

  cancel() {
    this.#key = "";
    this.#offset = 0;
    this.#to = this.#from = -1;
  }
}
