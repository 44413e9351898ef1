import { backend, type Provider } from "../backend";
import { Resource } from "./resource.svelte";

/** The providers Patchbay knows, and the user's own. */
class Catalog {
  readonly #providers = new Resource(backend.providers, ["models"]);

  get providers(): Provider[] {
    return this.#providers.value ?? [];
  }
  get error() {
    return this.#providers.error;
  }
  find(slug: string): Provider | null {
    return this.providers.find((provider) => provider.slug === slug) ?? null;
  }
  watch() {
    return this.#providers.watch();
  }
  reload() {
    return this.#providers.reload();
  }
}

export const catalog = new Catalog();
