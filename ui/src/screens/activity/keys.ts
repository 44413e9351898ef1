import { backend, type ActivityLine } from "../../backend";
import type { Bindings } from "../../stores/keyboard.svelte";
import { router } from "../../stores/router.svelte";
import { toasts } from "../../stores/toasts.svelte";
import { conditionPart } from "../../stores/usage-query";
import { play } from "./play";

type Deeds = {
  /** the line that the keyboard is on */
  current: () => ActivityLine | undefined;
  move: (by: number) => unknown;
  edge: (end: "first" | "last") => void;
  search: () => void;
  /** live becomes held, held live */
  flip: () => void;
  close: () => void;
};

/** The keys of the Activity screen. */
export function keysOf({ current, move, edge, search, flip, close }: Deeds): Bindings {
  return {
    "/": search,
    j: () => void move(1),
    k: () => void move(-1),
    ArrowDown: () => void move(1),
    ArrowUp: () => void move(-1),
    Home: () => edge("first"),
    End: () => edge("last"),
    l: flip,
    f: () => {
      const app = current()?.app;
      if (app) router.narrow(conditionPart({ field: "app", relation: "is", values: [app] }));
    },
    "Ctrl+E": () => void playAt(router.item || current()?.call),
    Escape: close,
  };
}

async function playAt(call: string | undefined) {
  if (!call) return;
  try {
    const detail = await backend.activityCall(call);
    if (detail) play(detail);
  } catch (thrown) {
    toasts.failed(thrown);
  }
}
