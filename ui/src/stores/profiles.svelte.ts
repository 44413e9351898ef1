import {
  backend,
  type AffectedStep,
  type Alias,
  type Profile,
  type ProfileDraft,
  type ProfileVersion,
} from "../backend";
import { Resource } from "./resource.svelte";

class Profiles {
  readonly #list = new Resource(backend.profiles, ["profiles", "connections", "models", "usage"]);
  readonly #aliases = new Resource(backend.aliases, ["profiles", "connections"]);
  readonly #affected = new Resource(backend.profilesAffected, ["profiles", "models"]);

  /** those in use, by name */
  get list(): Profile[] {
    return this.all.filter(({ is_archived }) => !is_archived);
  }
  get all(): Profile[] {
    return this.#list.value ?? [];
  }
  get aliases(): Alias[] {
    return this.#aliases.value ?? [];
  }
  /** steps whose model is gone or will end */
  get affected(): AffectedStep[] {
    return this.#affected.value ?? [];
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
  find(name: string): Profile | null {
    return this.all.find((profile) => profile.name === name) ?? null;
  }
  watch(): () => void {
    const ends = [this.#list.watch(), this.#aliases.watch(), this.#affected.watch()];
    return () => ends.forEach((end) => end());
  }
  reload() {
    return this.#list.reload();
  }

  async add(draft: ProfileDraft): Promise<Profile> {
    return this.#put(await backend.profileAdd(draft));
  }

  /** Saves on top of the version that was seen; another one in use by now is told instead. */
  async save(draft: ProfileDraft, seen: number): Promise<Profile> {
    return this.#put((await backend.profileSave(draft, seen)).profile);
  }

  versions(name: string): Promise<ProfileVersion[]> {
    return backend.profileVersions(name);
  }

  async restore(name: string, version: number): Promise<Profile> {
    return this.#put((await backend.profileRestore(name, version)).profile);
  }

  async archive(name: string, reassignTo: string | null) {
    this.#put(await backend.profileArchive(name, reassignTo));
  }

  async unarchive(name: string) {
    this.#put(await backend.profileUnarchive(name));
  }

  async remove(name: string, reassignTo: string | null) {
    await backend.profileRemove(name, reassignTo);
    this.#list.put(this.all.filter((profile) => profile.name !== name));
  }

  /** Leads a step of one profile to another place, as a new version. */
  async retarget(from: string, to: string, only: string) {
    await backend.profilesRetarget(from, to, only);
    await Promise.all([this.reload(), this.#affected.reload()]);
  }

  async setAlias(alias: string, target: string) {
    await backend.aliasSet(alias, target);
    await this.#aliases.reload();
  }

  async removeAlias(alias: string) {
    await backend.aliasRemove(alias);
    await this.#aliases.reload();
  }

  #put(changed: Profile): Profile {
    const others = this.all.filter(({ name }) => name !== changed.name);
    this.#list.put([...others, changed].sort((a, b) => a.name.localeCompare(b.name)));
    return changed;
  }
}

export const profiles = new Profiles();
