import type { Connection, NewApp } from "../../backend";
import { apps } from "../../stores/apps.svelte";
import { overview } from "../../stores/overview.svelte";

/** The steps of the first run, in their order. */
export const STEPS = [
  { id: "connect", label: "Connect" },
  { id: "budget", label: "Set a budget" },
  { id: "call", label: "Call it from a bot" },
] as const;
export type Step = (typeof STEPS)[number]["id"];

/** How far the first run has come: a connection, then a budget, then a token, then the first call. */
export class Setup {
  #connection = $state.raw<Connection | null>(null);
  #budgeted = $state(false);
  #issued = $state.raw<NewApp | null>(null);
  /** calls of today before a bot could know the token; null until they are counted */
  #before = $state<number | null>(null);

  get step(): Step {
    if (!this.#connection) return "connect";
    return this.#budgeted ? "call" : "budget";
  }
  get connection() {
    return this.#connection;
  }
  get issued() {
    return this.#issued;
  }
  /** the first call of a bot has been seen */
  get called(): boolean {
    const calls = overview.value?.today.calls ?? 0;
    return this.#issued !== null && this.#before !== null && calls > this.#before;
  }

  /** The connection is saved: on to the next step. */
  connected(connection: Connection) {
    this.#connection = connection;
  }

  /** A budget is set, or not wanted: on to the next step. */
  budgeted() {
    this.#budgeted = true;
  }

  /** Makes the token of the first app. Throws what the backend says, so that the field can show it. */
  async makeToken(name: string) {
    await overview.reload();
    this.#before = overview.value?.today.calls ?? 0;
    this.#issued = await apps.add(name.trim(), null);
  }
}

/** `OpenAI` to `OpenAI primary`: a second one is to come. */
export const firstName = (provider: string): string => `${provider} primary`;
