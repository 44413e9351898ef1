import type { CallDetail } from "../../backend";
import { playground } from "../../stores/playground.svelte";
import { router } from "../../stores/router.svelte";

/** Opens the playground where a call was sent: at its profile, else at the connection and model that were asked last. */
export function play({ profile, stops }: CallDetail) {
  const last = stops.findLast(({ kind }) => kind === "attempt");
  playground.chosen[0] = profile || (last ? `${last.connection}/${last.model}` : "");
  router.goto("playground");
}
