import type { Model } from "../../backend";
import { playground } from "../../stores/playground.svelte";
import { router } from "../../stores/router.svelte";

/** Where the playground would send a prompt for this model: its first connection that may and is on, else the router decides. */
export function targetOf({ id, model, offered_by }: Model): string {
  const able = offered_by.find(({ allowed, on }) => allowed && on);
  return able ? `${able.connection}/${model}` : id;
}

/** Opens the playground with this model picked. */
export function play(model: Model) {
  playground.chosen[0] = targetOf(model);
  router.goto("playground");
}
