import { copy } from "../../clipboard";
import { checks } from "../../stores/checks.svelte";
import type { Bindings } from "../../stores/keyboard.svelte";
import { router } from "../../stores/router.svelte";
import { toasts } from "../../stores/toasts.svelte";

type Hands = {
  /** the connection the keys act on; "" for none */
  current: () => string;
  move: (by: number) => void;
  edge: (end: "first" | "last") => void;
  filter: () => void;
  select: (key: string) => void;
  remove: (key: string) => void;
  close: () => void;
};

/** The keys of the Connections screen. Space, Enter and Alt with arrows belong to the row that has the focus. */
export function keysOf({ current, move, edge, filter, select, remove, close }: Hands): Bindings {
  const withCurrent = (run: (key: string) => void) => () => {
    const key = current();
    if (key) run(key);
  };
  return {
    "/": filter,
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    Home: () => edge("first"),
    End: () => edge("last"),
    x: withCurrent(select),
    t: withCurrent((key) => void checks.test(key)),
    e: withCurrent((key) => router.open("connections", key, { ...router.query, tab: "settings", focus: "name" })),
    r: withCurrent((key) => router.open("connections", key, { ...router.query, tab: "credentials", focus: "secret" })),
    c: withCurrent((key) => void copy(key).then((done) => done && toasts.note(`Copied ${key}`, "copy"))),
    Delete: withCurrent(remove),
    Escape: () => {
      if (router.item) close();
    },
  };
}
