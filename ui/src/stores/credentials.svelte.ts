import {
  asBackendError,
  backend,
  type Afterwards,
  type BackendError,
  type CheckReport,
  type Credentials as View,
  type Policy,
  type StageReport,
} from "../backend";
import { connections } from "./connections.svelte";
import { Resource } from "./resource.svelte";
import { merged } from "./stages";
import { toasts } from "./toasts.svelte";

/** What a test of a key is for. */
export type Purpose = "rotate" | "standby" | "promote" | "test";
export type KeyRun = { purpose: Purpose; startedAt: number; stages: StageReport[]; stopping: boolean };
/** How it ended; `version` is the one that was tested. */
export type KeyOutcome = { purpose: Purpose; report: CheckReport; version: number; switched: boolean };

type End = { outcome: KeyOutcome | null; refused: BackendError | null };

/** The versions of one connection's key: the one whose tab is open. Tests belong to their connection, whichever is open. */
class Credentials {
  #key = $state("");
  #runs = $state.raw<Record<string, KeyRun>>({});
  #ends = $state.raw<Record<string, End>>({});
  readonly #view = new Resource(() => backend.credentials(this.#key), ["connections"]);

  /** once it is read */
  of(key: string): View | null {
    const view = this.#view.value;
    return view?.connection === key ? view : null;
  }
  get readError() {
    return this.#view.error;
  }
  runOf(key: string): KeyRun | null {
    return this.#runs[key] ?? null;
  }
  outcomeOf(key: string): KeyOutcome | null {
    return this.#ends[key]?.outcome ?? null;
  }
  /** why the last thing could not be done; the typed key stays in its field */
  refusedOf(key: string): BackendError | null {
    return this.#ends[key]?.refused ?? null;
  }
  watch() {
    return this.#view.watch();
  }
  reload() {
    return this.#view.reload();
  }

  /** Shows the keys of a connection. What was seen of the one before is put away. */
  open(key: string) {
    if (key === this.#key) return;
    this.putAway();
    this.#key = key;
    void this.#view.reload();
  }
  putAway() {
    this.#end(this.#key, null);
  }

  /** Stores a key, tests it and switches to it if it passes. Says whether it is stored. */
  rotate(secret: string, afterwards: Afterwards): Promise<boolean> {
    return this.#tested("rotate", async (key, onStage) => {
      const end = await backend.credentialRotate(key, secret, afterwards, "allowed", onStage);
      return {
        report: end.report,
        switched: end.switched,
        view: end.credentials,
        version: newest(end.credentials),
      };
    });
  }

  /** Stores a key, tests it, and lets it wait to take over if it passes. Says whether it is stored. */
  addStandby(secret: string): Promise<boolean> {
    return this.#tested("standby", async (key, onStage) => {
      const staged = await backend.credentialStage(key, secret);
      this.#put(staged);
      const version = newest(staged);
      const report = await backend.credentialTest(key, version, "allowed", onStage);
      const switched = report.verdict === "passed";
      const view = await (switched ? backend.credentialStandBy(key, version) : backend.credentials(key));
      return { report, switched, view, version };
    });
  }

  /** Tests a stored version and switches to it if it passes. */
  promote(version: number, afterwards: Afterwards) {
    return this.#tested("promote", async (key, onStage) => {
      const end = await backend.credentialPromoteTested(key, version, afterwards, "allowed", onStage);
      return { report: end.report, switched: end.switched, view: end.credentials, version };
    });
  }

  test(version: number) {
    return this.#tested("test", async (key, onStage) => {
      const report = await backend.credentialTest(key, version, "allowed", onStage);
      return { report, switched: false, view: await backend.credentials(key), version };
    });
  }

  async stop(key: string) {
    const run = this.#runs[key];
    if (!run) return;
    this.#note(key, { ...run, stopping: true });
    await backend.connectionTestStop(key).catch((thrown: unknown) => toasts.failed(thrown));
  }

  /** Uses a version without a test. */
  promoteUntested(version: number) {
    return this.#change(() => backend.credentialPromote(this.#key, version, "retire"), `Version ${version} is live`);
  }
  rollBack(version: number) {
    return this.#change(() => backend.credentialRollback(this.#key), `Back to version ${version}`);
  }
  standBy(version: number) {
    return this.#change(() => backend.credentialStandBy(this.#key, version), `Version ${version} is on standby`);
  }
  revoke(version: number) {
    return this.#change(() => backend.credentialRevoke(this.#key, version), `Version ${version} is revoked`);
  }
  erase(version: number) {
    return this.#change(() => backend.credentialPurge(this.#key, version), `Version ${version} is erased`);
  }
  setExpiry(version: number, at: number | null) {
    return this.#change(() => backend.credentialSetExpiry(this.#key, version, at));
  }
  setPolicy(policy: Policy) {
    return this.#change(() => backend.credentialSetPolicy(this.#key, policy));
  }

  async #change(command: () => Promise<View>, words = ""): Promise<boolean> {
    this.putAway();
    try {
      this.#put(await command());
      await connections.reload();
      if (words) toasts.done(words);
      return true;
    } catch (thrown) {
      toasts.failed(thrown);
      return false;
    }
  }

  async #tested(
    purpose: Purpose,
    command: (
      key: string,
      onStage: (stage: StageReport) => void,
    ) => Promise<Omit<KeyOutcome, "purpose"> & { view: View }>,
  ): Promise<boolean> {
    const key = this.#key;
    if (this.#runs[key]) return false;
    this.#end(key, null);
    this.#note(key, { purpose, startedAt: Date.now(), stages: [], stopping: false });
    try {
      const { view, ...end } = await command(key, (stage) => this.#stage(key, stage));
      this.#put(view);
      this.#end(key, { outcome: { purpose, ...end }, refused: null });
      await connections.reload();
      return true;
    } catch (thrown) {
      this.#end(key, { outcome: null, refused: asBackendError(thrown) });
      await this.#view.reload();
      return false;
    } finally {
      this.#note(key, null);
    }
  }

  /** An answer about a connection that is no longer the open one is not shown in its place. */
  #put(view: View) {
    if (view.connection === this.#key) this.#view.put(view);
  }

  #stage(key: string, stage: StageReport) {
    const run = this.#runs[key];
    if (run) this.#note(key, { ...run, stages: merged(run.stages, stage) });
  }

  #note(key: string, run: KeyRun | null) {
    const { [key]: _, ...others } = this.#runs;
    this.#runs = run ? { ...others, [key]: run } : others;
  }

  #end(key: string, end: End | null) {
    const { [key]: _, ...others } = this.#ends;
    this.#ends = end ? { ...others, [key]: end } : others;
  }
}

const newest = ({ versions }: View) => Math.max(0, ...versions.map(({ version }) => version));

export const credentials = new Credentials();
