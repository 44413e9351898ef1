import { backend } from "../backend";
import { Resource } from "./resource.svelte";

/** Where keys live and how many; read while its section of Settings is open. */
export const vault = new Resource(backend.vault, ["status", "connections"]);
