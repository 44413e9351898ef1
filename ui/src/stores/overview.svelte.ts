import { backend } from "../backend";
import { Resource } from "./resource.svelte";

/** Today's figures, and what needs somebody. */
export const overview = new Resource(backend.overview, ["usage", "connections", "checks", "status", "settings"]);
