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

/** The versions of one connection's key: the one whose tab is open. */
class Credentials {
  #key = $state("");
  #run = $state.raw<KeyRun | null>(null);
  #outcome = $state.raw<KeyOutcome | null>(null);
  #refused = $state.raw<BackendError | null>(null);
  readonly #view = new Resource(() => backend.credentials(this.#key), ["connections"]);

  /** once it is read */
  of(key: string): View | null {
    const view = this.#view.value;
    return view?.connection === key ? view : null;
  }
  get readError() {
    return this.#view.error;
  }
  get run(): KeyRun | null {
    return this.#run;
  }
  get outcome(): KeyOutcome | null {
    return this.#outcome;
  }
  /** why the last thing could not be done; the typed key stays in its field */
  get refused(): BackendError | null {
    return this.#refused;
  }
  watch() {
    return this.#view.watch();
  }
  reload() {
    return this.#view.reload();
  }

  /** Shows the keys of a connection. What was tested of another one is put away. */
  open(key: string) {
    if (key === this.#key) return;
    this.#key = key;
    this.putAway();
    void this.#view.reload();
  }
  putAway() {
    this.#outcome = null;
    this.#refused = null;
  }

  /** Stores a key, tests it and switches to it if it passes. Says whether it is stored. */
  rotate(secret: string, afterwards: Afterwards): Promise<boolean> {
    return this.#tested("rotate", async (onStage) => {
      const { report, switched, credentials } = await backend.credentialRotate(
        this.#key,
        secret,
        afterwards,
        "allowed",
        onStage,
      );
      return { report, switched, view: credentials, version: newest(credentials) };
    });
  }

  /** Stores a key, tests it, and lets it wait to take over if it passes. Says whether it is stored. */
  addStandby(secret: string): Promise<boolean> {
    return this.#tested("standby", async (onStage) => {
      const staged = await backend.credentialStage(this.#key, secret);
      this.#view.put(staged);
      const version = newest(staged);
      const report = await backend.credentialTest(this.#key, version, "allowed", onStage);
      const switched = report.verdict === "passed";
      const view = await (switched ? backend.credentialStandBy(this.#key, version) : backend.credentials(this.#key));
      return { report, switched, view, version };
    });
  }

  /** Tests a stored version and switches to it if it passes. */
  promote(version: number, afterwards: Afterwards) {
    return this.#tested("promote", async (onStage) => {
      const end = await backend.credentialPromoteTested(this.#key, version, afterwards, "allowed", onStage);
      return { report: end.report, switched: end.switched, view: end.credentials, version };
    });
  }

  test(version: number) {
    return this.#tested("test", async (onStage) => {
      const report = await backend.credentialTest(this.#key, version, "allowed", onStage);
      return { report, switched: false, view: await backend.credentials(this.#key), version };
    });
  }

  async stop() {
    if (!this.#run) return;
    this.#run = { ...this.#run, stopping: true };
    await backend.connectionTestStop(this.#key).catch((thrown: unknown) => toasts.failed(thrown));
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
      this.#view.put(await command());
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
    command: (onStage: (stage: StageReport) => void) => Promise<Omit<KeyOutcome, "purpose"> & { view: View }>,
  ): Promise<boolean> {
    if (this.#run) return false;
    const key = this.#key;
    this.putAway();
    this.#run = { purpose, startedAt: Date.now(), stages: [], stopping: false };
    try {
      const { view, ...end } = await command((stage) => this.#stage(stage));
      if (key === this.#key) {
        this.#view.put(view);
        this.#outcome = { purpose, ...end };
      }
      await connections.reload();
      return true;
    } catch (thrown) {
      this.#refused = asBackendError(thrown);
      await this.#view.reload();
      return false;
    } finally {
      this.#run = null;
    }
  }

  #stage(stage: StageReport) {
    if (this.#run) this.#run = { ...this.#run, stages: merged(this.#run.stages, stage) };
  }
}

const newest = ({ versions }: View) => Math.max(0, ...versions.map(({ version }) => version));

export const credentials = new Credentials();
