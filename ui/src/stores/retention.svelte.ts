import { backend } from "../backend";
import { Resource } from "./resource.svelte";

/** How long attempts stay in the database, and what was moved to archives. */
export const retention = new Resource(backend.retention, ["settings"]);
