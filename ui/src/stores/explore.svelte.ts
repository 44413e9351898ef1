import { backend, type ExploreView } from "../backend";
import { explored } from "./explore-query";
import { REPORT_MS, Resource } from "./resource.svelte";
import { router } from "./router.svelte";

/** What Explore shows, for what its address asks for. */
class Explore {
  #followed = "";
  readonly #view = new Resource<ExploreView>(
    () => backend.usageExplore(explored(router.screen === "usage" ? router.query : {}).query),
    ["usage", "settings", "connections"],
    REPORT_MS,
  );

  get view() {
    return this.#view;
  }

  /** Reads what the address asks for, unless that was read already. */
  follow(address: string) {
    if (address === this.#followed) return;
    this.#followed = address;
    void this.#view.reload();
  }

  watch(): () => void {
    return this.#view.watch();
  }
}

export const explore = new Explore();
