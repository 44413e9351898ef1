import { SvelteSet } from "svelte/reactivity";
import { asBackendError, backend, type BackendError, type Import, type ImportSource } from "../backend";

/** Looking before importing: where from, what was found, what is chosen of it. */
export class ImportForm {
  path = $state("");
  passphrase = $state("");
  #kind = $state<ImportSource["kind"]>("file");
  #plan = $state.raw<Import | null>(null);
  #error = $state.raw<BackendError | null>(null);
  #sealed = $state(false);
  #looking = $state(false);
  #making = $state(false);
  #looked = "";
  #looks = 0;
  readonly #chosen = new SvelteSet<string>();

  get kind() {
    return this.#kind;
  }
  get plan() {
    return this.#plan;
  }
  get error() {
    return this.#error;
  }
  /** the file wants a passphrase */
  get sealed() {
    return this.#sealed;
  }
  /** the vault that keys would go to is closed */
  get locked() {
    return this.#plan !== null && (this.#error?.code === "vault_locked" || this.#error?.code === "vault_denied");
  }
  get looking() {
    return this.#looking;
  }
  get making() {
    return this.#making;
  }
  get chosen(): ReadonlySet<string> {
    return this.#chosen;
  }
  /** how many things would be made */
  get count(): number {
    if (!this.#plan) return 0;
    return this.#chosen.size + this.#plan.steps.length + this.#plan.keys.length;
  }

  choose(kind: ImportSource["kind"]) {
    this.#kind = kind;
    this.#looked = "";
    this.#forget();
    if (kind !== "file") void this.look();
  }

  toggle(origin: string) {
    if (!this.#chosen.delete(origin)) this.#chosen.add(origin);
  }

  /** A path was typed or chosen. One that was looked at stays as it is: whoever goes on to the plan must not lose it. */
  commit() {
    if (this.path.trim() !== this.#looked) void this.look();
  }

  async look() {
    if (this.#kind === "file" && !this.path.trim()) return;
    this.#looked = this.path.trim();
    this.#forget();
    const look = this.#looks;
    this.#looking = true;
    try {
      const plan = await backend.importPlan(this.#source(), this.passphrase || null);
      if (look !== this.#looks) return;
      this.#plan = plan;
      for (const { origin, clash } of plan.connections) if (clash === null) this.#chosen.add(origin);
    } catch (thrown) {
      if (look === this.#looks) this.#refuse(thrown);
    } finally {
      if (look === this.#looks) this.#looking = false;
    }
  }

  /** The vault was opened: what was found and chosen can be made now. */
  unlocked() {
    if (this.locked) this.#error = null;
  }

  async make(): Promise<Import | null> {
    this.#making = true;
    try {
      return await backend.importApply(this.#source(), [...this.#chosen], this.passphrase || null);
    } catch (thrown) {
      this.#refuse(thrown);
      return null;
    } finally {
      this.#making = false;
    }
  }

  #source(): ImportSource {
    return this.#kind === "file" ? { kind: "file", path: this.path.trim() } : { kind: this.#kind };
  }

  #refuse(thrown: unknown) {
    this.#error = asBackendError(thrown);
    const closed = this.#error.code === "vault_locked" || this.#error.code === "vault_denied";
    // A look asks for the passphrase of the file; once its keys are to be stored, it is the vault that is closed.
    if (closed && !this.#plan) this.#sealed = true;
  }

  // The answer to a look before is of another source: it is not shown any more.
  #forget() {
    this.#looks += 1;
    this.#looking = false;
    this.#plan = null;
    this.#error = null;
    this.#chosen.clear();
  }
}
