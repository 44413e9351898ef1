import type { Bindings } from "../../stores/keyboard.svelte";

type Hands = {
  /** the model the keys act on; "" for none */
  current: () => string;
  move: (by: number) => void;
  edge: (end: "first" | "last") => void;
  filter: () => void;
  compare: (id: string) => void;
  pin: (id: string) => void;
  price: (id: string) => void;
  play: (id: string) => void;
  sideBySide: () => void;
  close: () => void;
};

/** The keys of the Providers & models screen. Enter belongs to the row that has the focus. */
export function keysOf({ current, move, edge, filter, compare, pin, price, play, sideBySide, close }: Hands): Bindings {
  const withCurrent = (run: (id: string) => void) => () => {
    const id = current();
    if (id) run(id);
  };
  return {
    "/": filter,
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    Home: () => edge("first"),
    End: () => edge("last"),
    x: withCurrent(compare),
    "Shift+X": sideBySide,
    p: withCurrent(pin),
    e: withCurrent(price),
    u: withCurrent(play),
    Escape: close,
  };
}
