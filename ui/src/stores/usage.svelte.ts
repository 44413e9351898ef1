import { backend, type FieldValues, type UsageView, type WhatIf } from "../backend";
import { shown } from "../screens/usage/query";
import { Resource } from "./resource.svelte";
import { router } from "./router.svelte";

/** The Usage screen's figures, for what its address asks for. */
class Usage {
  /** the models that the traffic is compared with; none are the ones in use */
  #models = $state.raw<string[]>([]);
  #followed = "";
  readonly #view = new Resource<UsageView>(() => backend.usage(this.#query()), ["usage", "settings", "models"]);
  readonly #whatIf = new Resource<WhatIf>(
    () => backend.usageWhatIf(this.#query(), this.#models, null),
    ["usage", "settings", "models"],
  );
  readonly #values = new Resource<FieldValues[]>(backend.usageValues, ["usage"]);

  get view() {
    return this.#view;
  }
  get whatIf() {
    return this.#whatIf;
  }
  get values(): FieldValues[] {
    return this.#values.value ?? [];
  }
  get models(): string[] {
    return this.#models;
  }

  /** Reads what the address asks for, unless that was read already. */
  follow(address: string) {
    if (address === this.#followed) return;
    this.#followed = address;
    void this.reload();
  }

  reload() {
    return Promise.all([this.#view.reload(), this.#whatIf.reload()]);
  }

  watch(): () => void {
    const ends = [this.#view.watch(), this.#whatIf.watch(), this.#values.watch()];
    return () => ends.forEach((end) => end());
  }

  /** Keeps what filters can be made of true, where there are filters and no figures. */
  watchValues() {
    return this.#values.watch();
  }

  /** Compares with one more model, which comes first. */
  compareWith(id: string) {
    const rows = this.#whatIf.value?.rows.map((row) => row.id).filter((other) => other && other !== id) ?? [];
    this.#models = [id, ...rows].slice(0, 5);
    return this.#whatIf.reload();
  }

  #query() {
    const { days, conditions, by } = shown(router.screen === "usage" ? router.query : {});
    return { days, conditions, by };
  }
}

export const usage = new Usage();
