// What a table of groups has: an order that its headings set, and rows that arrows move along.

/** By which column a table is sorted, and which way. */
export class Sorting<Column extends string> {
  column: Column = $state()!;
  way: "ascending" | "descending" = $state("descending");
  readonly #words: Column;

  /** Sorted by `first`, the highest first; `words` is the column of names, which begin with A. */
  constructor(first: Column, words: Column) {
    this.column = first;
    this.#words = words;
  }

  /** The way a column is sorted now, null if it is not. */
  of(column: Column): "ascending" | "descending" | null {
    return this.column === column ? this.way : null;
  }

  /** Sorts by a column, or the other way round where it is sorted already. */
  by(column: Column) {
    const flipped = this.way === "ascending" ? "descending" : "ascending";
    this.way = this.column !== column ? (column === this.#words ? "ascending" : "descending") : flipped;
    this.column = column;
  }

  /** 1 where the lowest comes first, -1 where it comes last. */
  get turn(): 1 | -1 {
    return this.way === "ascending" ? 1 : -1;
  }
}

/** Moves the keyboard from row to row: on a tbody whose rows take it. */
export function moveAlongRows(event: KeyboardEvent) {
  const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
  if (step === undefined || !(event.currentTarget instanceof HTMLElement)) return;
  const all = [...event.currentTarget.querySelectorAll<HTMLElement>("tr[tabindex]")];
  const at = all.indexOf(document.activeElement as HTMLElement);
  all[Math.min(all.length - 1, Math.max(0, at + step))]?.focus();
  event.preventDefault();
  event.stopPropagation();
}
