import { asBackendError, backend, type BackendError, type ProfileCheck, type Profile, type Spec } from "../../backend";
import { profiles } from "../../stores/profiles.svelte";
import { changedFields, formOf, specOf, type Form } from "../../stores/profile-form";

/** A check follows the keys at this distance. */
const SETTLE_MS = 250;

/** A profile being edited. Nothing reaches a bot before Save. */
export class Editor {
  readonly name: string;
  /** the version that was seen; Save goes on top of it */
  #version = $state(0);
  #base = $state.raw<Spec>() as Spec;
  form = $state<Form>() as Form;
  #checked = $state.raw<ProfileCheck | null>(null);
  #refused = $state.raw<BackendError | null>(null);
  #saving = $state(false);
  #asked = 0;

  constructor(profile: Profile) {
    this.name = profile.name;
    this.#take(profile);
  }

  readonly #made = $derived.by(() => specOf($state.snapshot(this.form as unknown) as Form, this.#base));
  readonly #changes = $derived(changedFields(this.#base, this.#made.spec));

  get version() {
    return this.#version;
  }
  get spec(): Spec {
    return this.#made.spec;
  }
  /** the fields that differ from what is saved; what cannot be read counts as one */
  get changes(): string[] {
    const wrong = Object.keys(this.#made.problems).filter((field) => !this.#changes.includes(field));
    return [...this.#changes, ...wrong];
  }
  get checked(): ProfileCheck | null {
    return this.#checked;
  }
  get refused(): BackendError | null {
    return this.#refused;
  }
  get saving(): boolean {
    return this.#saving;
  }
  /** why it cannot be saved, "" if it can */
  get blocked(): string {
    if (this.changes.length === 0) return "Nothing has changed";
    const [problem] = Object.values(this.#made.problems);
    return problem ?? this.#checked?.problems[0]?.message ?? "";
  }

  /** What is wrong with a field, "" if nothing is. */
  problem(field: string): string {
    const found = this.#checked?.problems.find((one) => one.field === field);
    return this.#made.problems[field] ?? (found ? `${found.message} ${found.hint}` : "");
  }

  /** What the models of the chain lack of a field, "" if nothing. */
  hint(field: string): string {
    const texts = this.#checked?.hints.filter((one) => one.setting === field).map(({ text }) => text) ?? [];
    return [...new Set(texts)].join(" ");
  }

  /** Asks the engine what the draft comes to, a moment after the last key. Call it in an effect. */
  follow(): () => void {
    const spec = this.spec;
    const timer = setTimeout(() => void this.#check(spec), SETTLE_MS);
    return () => clearTimeout(timer);
  }

  discard() {
    this.form = formOf(this.#base);
    this.#refused = null;
  }

  /** Takes over a version that was made elsewhere, unless something is unsaved. */
  renew(profile: Profile) {
    if (profile.version !== this.#version && this.changes.length === 0) this.#take(profile);
  }

  async save(note: string): Promise<boolean> {
    if (this.blocked || this.#saving) return false;
    this.#saving = true;
    this.#refused = null;
    try {
      this.#take(await profiles.save({ name: this.name, spec: this.spec, note }, this.#version));
      return true;
    } catch (thrown) {
      this.#refused = asBackendError(thrown);
      return false;
    } finally {
      this.#saving = false;
    }
  }

  #take({ version, spec }: Profile) {
    this.#version = version;
    this.#base = spec;
    this.form = formOf(spec);
  }

  async #check(spec: Spec) {
    const asked = ++this.#asked;
    try {
      const checked = await backend.profileCheck(spec);
      if (asked === this.#asked) this.#checked = checked;
    } catch {
      // Save asks the same question again and shows what is said.
    }
  }
}

const open = new Map<string, Editor>();

/** The editor of a profile: what is unsaved stays while another one is looked at. */
export function editorOf(profile: Profile): Editor {
  const known = open.get(profile.name);
  if (known) {
    known.renew(profile);
    return known;
  }
  const fresh = new Editor(profile);
  open.set(profile.name, fresh);
  return fresh;
}

/** A deleted profile keeps nothing for another of its name. */
export const forget = (name: string) => void open.delete(name);
