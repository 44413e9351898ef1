import type { AppEdit } from "../../backend";
import { apps } from "../../stores/apps.svelte";
import { Saves } from "../../stores/saves.svelte";

/** Saves one field of an app; the others stay as they are. */
export class AppSaves extends Saves<AppEdit["field"]> {
  readonly #name: () => string;

  constructor(name: () => string) {
    super();
    this.#name = name;
  }

  set(edit: AppEdit): Promise<boolean> {
    return this.run(edit.field, () => apps.edit(this.#name(), edit));
  }
}
