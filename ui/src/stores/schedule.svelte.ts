import { backend } from "../backend";
import { Resource } from "./resource.svelte";

/** When connections are tested by themselves. */
export const schedule = new Resource(backend.checkSchedule, ["settings", "checks"]);
