import { backend, type CheckPoint } from "../backend";
import { Resource } from "./resource.svelte";

/** The tests of one connection in the last 30 days, oldest first: the one whose report is open. */
class History {
  #key = "";
  readonly #points = new Resource(async () => {
    const key = this.#key;
    return { key, points: key ? await backend.checkHistory(key) : [] };
  }, ["checks"]);

  of(key: string): CheckPoint[] {
    const held = this.#points.value;
    return held?.key === key ? held.points : [];
  }
  watch() {
    return this.#points.watch();
  }
  open(key: string) {
    if (key === this.#key) return;
    this.#key = key;
    void this.#points.reload();
  }
}

export const history = new History();
