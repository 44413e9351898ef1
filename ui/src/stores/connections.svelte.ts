import { SvelteSet } from "svelte/reactivity";
import { backend, type Connection, type ConnectionEdit, type DemoFault, type LimitEdit } from "../backend";
import { Resource } from "./resource.svelte";
import { toasts } from "./toasts.svelte";

const FRESH_MS = 3000;

class Connections {
  /** the one just added: its row flashes once */
  #fresh = $state("");
  readonly #selected = new SvelteSet<string>();
  readonly #list = new Resource(backend.connections, ["connections", "usage", "checks"]);

  get list(): Connection[] {
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
  /** keys of the rows that were picked, as far as they are still there */
  get selected(): string[] {
    return this.list.map(({ key }) => key).filter((key) => this.#selected.has(key));
  }
  isSelected(key: string): boolean {
    return this.#selected.has(key);
  }
  /** Picks a row, or lets it go. */
  select(key: string) {
    if (!this.#selected.delete(key)) this.#selected.add(key);
  }
  get fresh(): string {
    return this.#fresh;
  }
  find(key: string): Connection | null {
    return this.list.find((connection) => connection.key === key) ?? null;
  }
  /** of one provider, first tried first */
  ofProvider(provider: string): Connection[] {
    return this.list.filter((other) => other.provider === provider).sort((a, b) => a.priority - b.priority);
  }
  watch() {
    return this.#list.watch();
  }
  reload() {
    return this.#list.reload();
  }

  /** Marks a connection as just added. */
  welcome(key: string) {
    this.#fresh = key;
    setTimeout(() => (this.#fresh = ""), FRESH_MS);
  }

  /** Saves one field. Throws what the backend says, so that the field can show it. */
  async edit(key: string, edit: ConnectionEdit) {
    this.#patch(await backend.connectionEdit(key, edit));
    if (edit.field === "is_default") await this.reload();
  }

  /** Sets or takes away one limit. Throws what the backend says. */
  async limit(key: string, edit: LimitEdit) {
    this.#patch(await backend.connectionLimit(key, edit));
  }

  /** On or off. Shows at once, and goes back if it fails. */
  async turn(key: string, on: boolean) {
    const before = this.find(key);
    if (!before) return;
    this.#patch({ ...before, status: on ? "active" : "inactive" });
    try {
      this.#patch(await (on ? backend.connectionEnable(key) : backend.connectionPause(key)));
    } catch (thrown) {
      this.#patch(before);
      toasts.failed(thrown);
    }
  }

  /** Stops it on purpose: only turning it on again lets it take calls. */
  async suspend(key: string) {
    this.#patch(await backend.connectionSuspend(key));
  }

  /** A second one like it, without its key. */
  async duplicate(key: string): Promise<Connection> {
    const made = await backend.connectionDuplicate(key);
    await this.reload();
    this.welcome(made.key);
    return made;
  }

  /** Deletes it. `undo` works for a few seconds; what uses it goes to the heir, where one is named. */
  async remove(key: string, heir: string | null = null) {
    await backend.connectionRemove(key, heir);
    this.#list.put(this.list.filter((connection) => connection.key !== key));
    await this.reload();
  }

  async undoRemove(key: string) {
    try {
      await backend.connectionUndoRemove(key);
      await this.reload();
      this.welcome(key);
    } catch (thrown) {
      toasts.failed(thrown);
    }
  }

  /** Saves the order of one provider's connections at once; the toast takes it back. */
  async reorder(keys: string[], message: string) {
    const before = this.ofProvider(this.find(keys[0] ?? "")?.provider ?? "").map((connection) => connection.key);
    if (!(await this.#saveOrder(keys))) return;
    toasts.done(message, { label: "Undo", run: () => void this.#saveOrder(before) });
  }

  /** The way the Demo provider misbehaves. */
  async pretend(fault: DemoFault) {
    await backend.demoFault(fault);
    await this.reload();
  }

  async #saveOrder(keys: string[]): Promise<boolean> {
    const held = this.list;
    this.#list.put(held.map((one) => (keys.includes(one.key) ? { ...one, priority: keys.indexOf(one.key) + 1 } : one)));
    try {
      await backend.connectionReorder(keys);
      return true;
    } catch (thrown) {
      this.#list.put(held);
      toasts.failed(thrown);
      return false;
    }
  }

  #patch(changed: Connection) {
    this.#list.put(this.list.map((connection) => (connection.key === changed.key ? changed : connection)));
  }
}

export const connections = new Connections();
