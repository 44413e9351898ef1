import { SvelteMap, SvelteSet } from "svelte/reactivity";
import { asBackendError } from "../backend";

/** Saves field by field, and remembers for each what the backend had against it. */
export class Saves<Field extends string> {
  readonly #errors = new SvelteMap<Field, string>();
  readonly #busy = new SvelteSet<Field>();

  error(field: Field): string {
    return this.#errors.get(field) ?? "";
  }
  busy(field: Field): boolean {
    return this.#busy.has(field);
  }
  get summary(): "saved" | "saving" | "failed" {
    if (this.#busy.size > 0) return "saving";
    return this.#errors.size > 0 ? "failed" : "saved";
  }

  async run(field: Field, save: () => Promise<unknown>): Promise<boolean> {
    this.#busy.add(field);
    try {
      await save();
      this.#errors.delete(field);
      return true;
    } catch (thrown) {
      const { message, hint } = asBackendError(thrown);
      this.refuse(field, hint ? `${message.replace(/\.$/, "")}. ${hint}` : message);
      return false;
    } finally {
      this.#busy.delete(field);
    }
  }

  refuse(field: Field, message: string) {
    this.#errors.set(field, message);
  }

  forget(field: Field) {
    this.#errors.delete(field);
  }
}
