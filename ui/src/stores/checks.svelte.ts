import { SvelteMap } from "svelte/reactivity";
import {
  asBackendError,
  backend,
  type BackendError,
  type CheckProgress,
  type CheckReport,
  type StageReport,
} from "../backend";
import { duration } from "../format";
import { verdictState } from "../presentation";
import { connections } from "./connections.svelte";
import { router } from "./router.svelte";
import { merged } from "./stages";
import { toasts } from "./toasts.svelte";

export type RunningCheck = { startedAt: number; stages: StageReport[]; stopping: boolean };

/** Tests of saved connections: what runs, and how the last one of this session ended. */
class Checks {
  readonly #running = new SvelteMap<string, RunningCheck>();
  readonly #errors = new SvelteMap<string, BackendError>();
  #left = $state(0);
  #total = $state(0);
  #stopping = $state(false);

  running(key: string): RunningCheck | null {
    return this.#running.get(key) ?? null;
  }
  /** The test itself could not be run (not: the connection failed it). */
  error(key: string): BackendError | null {
    return this.#errors.get(key) ?? null;
  }
  /** of Test all: how many are still to end */
  get left(): number {
    return this.#left;
  }

  /** of how many */
  get total(): number {
    return this.#total;
  }
  get stopping(): boolean {
    return this.#stopping;
  }

  /** Tests one connection; a toast says how it ended unless its report is in view. */
  async test(key: string) {
    const report = await this.#run(key);
    if (report && !inView(key)) announce(report);
  }

  // Null if it could not run or was stopped.
  async #run(key: string): Promise<CheckReport | null> {
    if (this.#running.has(key)) return null;
    this.#errors.delete(key);
    this.#running.set(key, { startedAt: Date.now(), stages: [], stopping: false });
    try {
      const report = await backend.connectionTest(key, "allowed", (stage) => this.#stage(key, stage));
      await connections.reload();
      return report;
    } catch (thrown) {
      const error = asBackendError(thrown);
      if (error.code !== "cancelled") this.#errors.set(key, error);
      return null;
    } finally {
      this.#running.delete(key);
    }
  }

  /** Tests those that are picked, or else every connection that is on, a few at a time, and says how it went. */
  async testAll() {
    if (this.#left > 0) return;
    const isFree = ({ key, status }: { key: string; status: string }) =>
      status !== "inactive" && !this.#running.has(key);
    const picked = connections.selected.filter((key) => !this.#running.has(key));
    const keys = picked.length > 0 ? picked : connections.list.filter(isFree).map(({ key }) => key);
    this.#left = this.#total = keys.length;
    this.#stopping = false;
    for (const key of keys) this.#errors.delete(key);
    try {
      const reports = await backend.connectionsTest(keys, "allowed", (progress) => this.#progress(progress));
      await connections.reload();
      const ran = reports.filter(({ verdict }) => verdict !== "not_run");
      if (ran.length > 0) announceAll(ran);
    } catch (thrown) {
      toasts.failed(thrown);
    } finally {
      this.#left = 0;
      for (const key of keys) this.#running.delete(key);
    }
  }

  // A test of many shows as running from its first stage on.
  #progress(progress: CheckProgress) {
    if (progress.kind === "done") {
      this.#running.delete(progress.report.connection);
      this.#left = Math.max(0, this.#left - 1);
      return;
    }
    const { connection, stage } = progress;
    if (!this.#running.has(connection)) {
      this.#running.set(connection, { startedAt: Date.now(), stages: [], stopping: false });
    }
    this.#stage(connection, stage);
  }

  /** Stops what runs, and what waits for its turn. */
  async stopAll() {
    this.#stopping = true;
    await backend.connectionsTestStop().catch((thrown: unknown) => toasts.failed(thrown));
  }

  async stop(key: string) {
    const run = this.#running.get(key);
    if (!run) return;
    this.#running.set(key, { ...run, stopping: true });
    await backend.connectionTestStop(key).catch((thrown: unknown) => toasts.failed(thrown));
  }

  #stage(key: string, stage: StageReport) {
    const run = this.#running.get(key);
    if (run) this.#running.set(key, { ...run, stages: merged(run.stages, stage) });
  }
}

function inView(key: string): boolean {
  return (
    router.screen === "connections" &&
    router.item === key &&
    (router.query["tab"] === "test" || router.query["view"] === "report")
  );
}

function announce(report: CheckReport) {
  const { icon, tone } = verdictState(report.verdict);
  const passed = report.verdict === "passed";
  const text = passed ? `${report.name} passed in ${duration(report.took_ms)}` : `${report.name}: ${report.title}`;
  const run = () => router.open("connections", report.connection, { tab: "test" });
  toasts.note(text, icon, tone, { label: "Report", run });
}

function announceAll(reports: CheckReport[]) {
  const amount = (verdict: CheckReport["verdict"]) => reports.filter((report) => report.verdict === verdict).length;
  const words = [
    `${amount("passed")} passed`,
    amount("limited") > 0 && `${amount("limited")} limited`,
    amount("failed") > 0 && `${amount("failed")} failed`,
  ].filter((part) => part !== false);
  const failed = amount("failed") > 0;
  const first = reports.find(({ verdict }) => verdict === "failed") ?? reports[0];
  const run = () => first && router.open("connections", first.connection, { view: "report" });
  toasts.note(`Tested ${reports.length}: ${words.join(", ")}`, failed ? "xoct" : "okc", failed ? "bad" : "ok", {
    label: "Report",
    run,
  });
}

export const checks = new Checks();
