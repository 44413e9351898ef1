import { SvelteMap, SvelteSet } from "svelte/reactivity";
import { asBackendError, type ConnectionEdit } from "../../backend";
import { connections } from "../../stores/connections.svelte";

type FieldName = ConnectionEdit["field"] | "secret" | "demo_fault";

/** Saves field by field, and remembers for each what the backend had against it. */
export class Saves {
  readonly #errors = new SvelteMap<FieldName, string>();
  readonly #busy = new SvelteSet<FieldName>();
  readonly #key: string;

  constructor(key: string) {
    this.#key = key;
  }

  error(field: FieldName): string {
    return this.#errors.get(field) ?? "";
  }
  busy(field: FieldName): boolean {
    return this.#busy.has(field);
  }
  get summary(): "saved" | "saving" | "failed" {
    if (this.#busy.size > 0) return "saving";
    return this.#errors.size > 0 ? "failed" : "saved";
  }

  edit(edit: ConnectionEdit): Promise<boolean> {
    return this.run(edit.field, () => connections.edit(this.#key, edit));
  }

  async run(field: FieldName, save: () => Promise<unknown>): Promise<boolean> {
    this.#busy.add(field);
    try {
      await save();
      this.#errors.delete(field);
      return true;
    } catch (thrown) {
      const { message, hint } = asBackendError(thrown);
      this.refuse(field, [message, hint].filter(Boolean).join(". "));
      return false;
    } finally {
      this.#busy.delete(field);
    }
  }

  refuse(field: FieldName, message: string) {
    this.#errors.set(field, message);
  }

  forget(field: FieldName) {
    this.#errors.delete(field);
  }
}
