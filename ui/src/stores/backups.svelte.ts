import { backend } from "../backend";
import { Resource } from "./resource.svelte";

/** The copies in the folder of copies, the newest first. */
export const backups = new Resource(backend.backups, ["settings"]);
