import { SvelteSet } from "svelte/reactivity";
import {
  backend,
  type Model,
  type ModelDetail,
  type ModelQuery,
  type PriceDraft,
  type ProviderCard,
  type ProviderDraft,
  type ProviderEdit,
  type UnpricedModel,
} from "../backend";
import { Resource } from "./resource.svelte";
import { toasts } from "./toasts.svelte";

/** More than four columns side by side cannot be read. */
export const COMPARED = 4;
/** The palette offers the most used. */
const OFFERED = 300;

/** The catalogue: what can be called, at what price. */
class Models {
  #query: ModelQuery = {};
  #open = { provider: "", model: "" };
  /** the screen was open before */
  #seen = false;
  // Without "usage": figures of 30 days need not follow every call.
  readonly #list = new Resource(() => backend.models(this.#query), ["models", "connections"]);
  readonly #detail = new Resource(
    () => backend.modelDetail(this.#open.provider, this.#open.model),
    ["models", "connections"],
  );
  readonly #cards = new Resource(backend.providerCards, ["models", "connections", "usage"]);
  readonly #unpriced = new Resource(backend.unpriced, ["models", "usage"]);
  readonly #offered = new Resource(
    () => backend.models({ scope: "connected", limit: OFFERED }),
    ["models", "connections"],
  );
  /** ids that stand side by side */
  readonly #compared = new SvelteSet<string>();

  get list() {
    return this.#list.value;
  }
  get loading() {
    return this.#list.loading;
  }
  get refreshing() {
    return this.#list.refreshing;
  }
  get error() {
    return this.#list.error;
  }
  get cards(): ProviderCard[] {
    return this.#cards.value ?? [];
  }
  get cardsError() {
    return this.#cards.error;
  }
  /** models that were called and have no price */
  get unpriced(): UnpricedModel[] {
    return this.#unpriced.value ?? [];
  }
  /** for the palette: what the connections have */
  get offered(): Model[] {
    return this.#offered.value?.models ?? [];
  }
  get compared(): string[] {
    return [...this.#compared];
  }
  isCompared(id: string): boolean {
    return this.#compared.has(id);
  }
  card(slug: string): ProviderCard | null {
    return this.cards.find(({ provider }) => provider.slug === slug) ?? null;
  }
  /** the open model, once it is read */
  detail(id: string): ModelDetail | null {
    const value = this.#detail.value;
    return value?.model.id === id ? value : null;
  }
  get detailError() {
    return this.#detail.error;
  }

  // Without "usage" the list may have grown old while nobody looked: the screen begins with a fresh one.
  watch(): () => void {
    if (this.#seen) void this.#list.reload();
    this.#seen = true;
    const ends = [this.#list.watch(), this.#cards.watch(), this.#unpriced.watch()];
    return () => ends.forEach((end) => end());
  }
  watchDetail() {
    return this.#detail.watch();
  }
  watchOffered() {
    return this.#offered.watch();
  }
  reload() {
    return this.#list.reload();
  }

  /** Shows what fits another query. Asked again while an answer is on its way, only the last one counts. */
  ask(query: ModelQuery) {
    if (JSON.stringify(query) === JSON.stringify(this.#query)) return;
    this.#query = query;
    void this.#list.reload();
  }

  /** Reads all that is known of a model. */
  openDetail(provider: string, model: string) {
    this.#open = { provider, model };
    return this.#detail.reload();
  }

  /** Pins at once, and goes back if that fails. */
  async pin(model: Model) {
    const pinned = !model.pinned;
    this.#patch({ ...model, pinned });
    try {
      await backend.modelPin(model.id, pinned);
    } catch (thrown) {
      this.#patch(model);
      toasts.failed(thrown);
    }
  }

  /** Lets a connection use a model, or takes it away. */
  async allow(connection: string, model: string, allowed: boolean): Promise<boolean> {
    try {
      await backend.modelAllow(connection, model, allowed);
      await Promise.all([this.#list.reload(), this.#detail.value && this.#detail.reload()]);
      return true;
    } catch (thrown) {
      toasts.failed(thrown);
      return false;
    }
  }

  /** Puts a model beside the others, or takes it away. Says whether there was room. */
  compare(id: string): boolean {
    if (this.#compared.delete(id)) return true;
    if (this.#compared.size >= COMPARED) return false;
    this.#compared.add(id);
    return true;
  }
  clearCompared() {
    this.#compared.clear();
  }

  async setPrice(draft: PriceDraft) {
    await backend.priceSet(draft);
    await this.#reread();
  }

  async unsetPrice(provider: string, model: string, from: number | null) {
    await backend.priceUnset(provider, model, from);
    await this.#reread();
  }

  async addProvider(draft: ProviderDraft) {
    const made = await backend.providerAdd(draft);
    await this.#cards.reload();
    return made;
  }

  async editProvider(slug: string, edit: ProviderEdit) {
    await backend.providerEdit(slug, edit);
    await this.#cards.reload();
  }

  async removeProvider(slug: string, heir: string | null) {
    await backend.providerRemove(slug, heir);
    await this.#reread();
  }

  async #reread() {
    const open = this.#open.model ? [this.#detail.reload()] : [];
    await Promise.all([this.#list.reload(), this.#cards.reload(), this.#unpriced.reload(), ...open]);
  }

  #patch(changed: Model) {
    const list = this.#list.value;
    if (list) this.#list.put({ ...list, models: list.models.map((one) => (one.id === changed.id ? changed : one)) });
    const detail = this.#detail.value;
    if (detail?.model.id === changed.id) this.#detail.put({ ...detail, model: changed });
  }
}

export const models = new Models();
