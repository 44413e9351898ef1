import { backend, type SavedView, type Shows } from "../backend";
import { addressOf } from "./saved-view";
import { Resource } from "./resource.svelte";
import { router } from "./router.svelte";
import { toasts } from "./toasts.svelte";

/** Saved views: what somebody looks at again and again. */
class Views {
  readonly #list = new Resource(backend.savedViews, ["views"]);
  /** the one that was opened or saved last */
  #opened = $state("");

  get list(): SavedView[] {
    return this.#list.value ?? [];
  }
  get error() {
    return this.#list.error;
  }
  get opened(): SavedView | null {
    return this.list.find(({ name }) => name === this.#opened) ?? null;
  }

  watch(): () => void {
    return this.#list.watch();
  }

  open({ name, shows }: SavedView) {
    const { item, query } = addressOf(shows);
    this.#opened = name;
    router.open("usage", item, query);
  }

  async add(name: string, shows: Shows) {
    const saved = await backend.savedViewAdd(name, shows);
    this.#opened = saved.name;
    await this.#list.reload();
    return saved;
  }

  async replace(name: string, shows: Shows) {
    await backend.savedViewReplace(name, shows);
    await this.#list.reload();
  }

  async rename(name: string, to: string) {
    await backend.savedViewRename(name, to);
    if (this.#opened === name) this.#opened = to.trim();
    await this.#list.reload();
  }

  /** Deletes one; Undo saves it again. */
  async remove({ name, shows }: SavedView) {
    try {
      await backend.savedViewRemove(name);
      toasts.done(`The view ${name} is deleted`, { label: "Undo", run: () => void this.#bringBack(name, shows) });
    } catch (thrown) {
      toasts.failed(thrown);
    }
    await this.#list.reload();
  }

  async #bringBack(name: string, shows: Shows) {
    try {
      await this.add(name, shows);
    } catch (thrown) {
      toasts.failed(thrown);
    }
  }
}

export const views = new Views();
