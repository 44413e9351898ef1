import { asBackendError, backend, type BackendError, type Bootstrap } from "../backend";
import { clock } from "./clock.svelte";
import { preferences } from "./preferences.svelte";
import { feed, Resource } from "./resource.svelte";
import { toasts } from "./toasts.svelte";

const POLL_MS = 5000;

/** What the window knows about the engine as a whole: how it started, what it is doing now. */
class Session {
  #bootstrap = $state.raw<Bootstrap | null>(null);
  #problem = $state.raw<BackendError | null>(null);
  #firstRun = $state(false);
  #listening = false;
  readonly #status = new Resource(backend.status, ["status", "usage", "connections", "settings", "budgets", "alerts"]);

  get bootstrap() {
    return this.#bootstrap;
  }
  /** why the window cannot open at all */
  get problem() {
    return this.#problem;
  }
  /** no connection yet, and the user has not left the first run */
  get firstRun() {
    return this.#firstRun;
  }
  get status() {
    return this.#status.value;
  }
  get vault() {
    return this.status?.vault ?? this.#bootstrap?.vault ?? null;
  }
  /** the budget that lets no call through now */
  get budgetStop() {
    return this.status?.budget_stop ?? null;
  }
  /** the drill in force, until its time is over, which the clock tells sooner than the engine */
  get drill() {
    const drill = this.status?.drill ?? null;
    return drill && drill.until > clock.now ? drill : null;
  }
  get stopped() {
    return this.status?.stopped ?? null;
  }

  async load() {
    this.#problem = null;
    try {
      const bootstrap = await backend.bootstrap();
      // Before anything is shown: what the frame remembers would otherwise be saved over them.
      await preferences.load();
      this.#bootstrap = bootstrap;
    } catch (thrown) {
      this.#bootstrap = null;
      this.#problem = asBackendError(thrown);
      return;
    }
    this.#firstRun = this.#bootstrap.first_run;
    await this.#listen();
    await this.#status.reload();
  }

  /** Ends the first run: the frame opens. */
  leaveFirstRun() {
    this.#firstRun = false;
  }

  /** Keeps the status live; a slow poll covers what no event announces (calls in flight, the rate). */
  watch(): () => void {
    const unwatch = this.#status.watch();
    const timer = setInterval(() => {
      if (!document.hidden) void this.#status.reload();
    }, POLL_MS);
    return () => {
      clearInterval(timer);
      unwatch();
    };
  }

  refresh() {
    return this.#status.reload();
  }

  stopTraffic() {
    return this.#run(backend.trafficStop);
  }

  async resumeTraffic() {
    if (await this.#run(backend.trafficResume)) toasts.done("Traffic is flowing again");
  }

  async endDrill() {
    if (await this.#run(backend.drillEnd)) toasts.done("The drill has ended");
  }

  async listenOn(port: number | null): Promise<void> {
    try {
      await backend.gatewayListen(port);
    } finally {
      await this.#status.reload();
    }
  }

  /** Opens the encrypted vault file. Throws what the backend says. */
  async unlock(passphrase: string) {
    await backend.vaultUnlock(passphrase);
    await this.#status.reload();
  }

  /** Lets the system ask to open its keychain. Throws what the backend says. */
  async askKeychain() {
    try {
      await backend.vaultAsk();
    } finally {
      await this.#status.reload();
    }
  }

  async loadSampleData() {
    if (await this.#run(backend.demoLoad)) toasts.done("30 days of sample data loaded");
  }

  async clearSampleData() {
    if (await this.#run(backend.demoClear)) toasts.done("Sample data cleared");
  }

  async #run(command: () => Promise<unknown>): Promise<boolean> {
    try {
      await command();
      return true;
    } catch (thrown) {
      toasts.failed(thrown);
      return false;
    } finally {
      await this.#status.reload();
    }
  }

  async #listen() {
    if (this.#listening) return;
    this.#listening = true;
    await feed.open();
  }
}

export const session = new Session();
