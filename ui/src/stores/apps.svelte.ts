import { backend, type App, type AppEdit, type NewApp } from "../backend";
import { Resource } from "./resource.svelte";

class Apps {
  readonly #list = new Resource(backend.apps, ["apps", "usage"]);
  /** The only copy of a new token in the window; gone when it is put away. */
  #issued = $state.raw<NewApp | null>(null);

  get list(): App[] {
    return this.#list.value ?? [];
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
  find(name: string): App | null {
    return this.list.find((app) => app.name === name) ?? null;
  }
  /** the token just made for this app, while it may still be copied */
  issued(name: string): string | null {
    return this.#issued?.app.name === name ? this.#issued.token : null;
  }
  forgetIssued() {
    this.#issued = null;
  }
  watch() {
    return this.#list.watch();
  }
  reload() {
    return this.#list.reload();
  }

  async add(name: string, feature: string | null): Promise<NewApp> {
    return this.#keep(await backend.appAdd(name, feature));
  }

  async rotate(name: string): Promise<NewApp> {
    return this.#keep(await backend.appRotate(name));
  }

  async edit(name: string, edit: AppEdit) {
    await backend.appEdit(name, edit);
    await this.reload();
  }

  async revoke(name: string) {
    await backend.appRevoke(name);
    if (this.#issued?.app.name === name) this.#issued = null;
    await this.reload();
  }

  async #keep(made: NewApp): Promise<NewApp> {
    this.#issued = made;
    await this.reload();
    return made;
  }
}

export const apps = new Apps();
