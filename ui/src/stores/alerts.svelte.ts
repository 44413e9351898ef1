import {
  backend,
  type Alert,
  type AlertDetail,
  type AlertKind,
  type AlertLimits,
  type AlertRules,
  type Alerts as All,
} from "../backend";
import { Resource } from "./resource.svelte";
import { toasts } from "./toasts.svelte";

const NONE: All = { open: [], snoozed: [], closed: [], closed_count: 0 };

/** What somebody should know, and which of it is wanted. */
class Alerts {
  readonly #all = new Resource(backend.alerts, ["alerts"]);
  readonly #rules = new Resource(backend.alertRules, ["alerts", "settings"]);
  #detail = $state.raw<AlertDetail | null>(null);
  /** whose detail is shown, and how often one was read */
  #shown = 0;
  #reads = 0;

  get all(): All {
    return this.#all.value ?? NONE;
  }
  get loading() {
    return this.#all.loading;
  }
  get refreshing() {
    return this.#all.refreshing;
  }
  get error() {
    return this.#all.error;
  }
  get rules(): AlertRules | null {
    return this.#rules.value;
  }
  /** the open one with its story, once it is read */
  detail(id: number): AlertDetail | null {
    return this.#detail?.id === id ? this.#detail : null;
  }
  find(id: number): Alert | null {
    const { open, snoozed, closed } = this.all;
    return [...open, ...snoozed, ...closed].find((alert) => alert.id === id) ?? null;
  }

  watch(): () => void {
    const [one, other] = [this.#all.watch(), this.#rules.watch()];
    return () => {
      one();
      other();
    };
  }
  reload() {
    return this.#all.reload();
  }

  /** Reads the story of the one that is open. An answer that comes after a later question is not shown. */
  async read(id: number) {
    this.#shown = id;
    const read = ++this.#reads;
    try {
      const detail = await backend.alertDetail(id);
      if (read === this.#reads) this.#detail = detail;
    } catch (thrown) {
      if (read === this.#reads) toasts.failed(thrown);
    }
  }

  acknowledge(id: number) {
    return this.#run(id, () => backend.alertAcknowledge(id));
  }

  snooze(id: number, minutes: number) {
    return this.#run(id, () => backend.alertSnooze(id, minutes));
  }

  async switch(kind: AlertKind, isOn: boolean | null, onDesktop: boolean | null) {
    await this.#set(() => backend.alertRuleSet(kind, isOn, onDesktop));
  }

  /** Throws what is wrong with them. */
  async limit(limits: AlertLimits) {
    this.#rules.put(await backend.alertLimitsSet(limits));
  }

  async test(kind: AlertKind) {
    try {
      await backend.alertRuleTest(kind);
      toasts.note("A test alert stands for a minute", "bell");
      await this.reload();
    } catch (thrown) {
      toasts.failed(thrown);
    }
  }

  async #set(run: () => Promise<AlertRules>) {
    try {
      this.#rules.put(await run());
    } catch (thrown) {
      toasts.failed(thrown);
      await this.#rules.reload();
    }
  }

  async #run(id: number, command: () => Promise<unknown>) {
    try {
      await command();
    } catch (thrown) {
      toasts.failed(thrown);
    }
    await this.reload();
    if (id === this.#shown) await this.read(id);
  }
}

export const alerts = new Alerts();
