import type { ConnectionEdit, LimitEdit } from "../../backend";
import { connections } from "../../stores/connections.svelte";
import { Saves } from "../../stores/saves.svelte";

/** The fields of one connection. */
export class ConnectionSaves extends Saves<ConnectionEdit["field"] | LimitEdit["limit"] | "demo_fault" | "status"> {
  readonly #key: string;

  constructor(key: string) {
    super();
    this.#key = key;
  }

  edit(edit: ConnectionEdit): Promise<boolean> {
    return this.run(edit.field, () => connections.edit(this.#key, edit));
  }

  limit(edit: LimitEdit): Promise<boolean> {
    return this.run(edit.limit, () => connections.limit(this.#key, edit));
  }
}
