import { backend, type FieldValues, type TriedPrice, type UsageView, type WhatIf } from "../backend";
import { shown } from "./usage-query";
import { REPORT_MS, Resource } from "./resource.svelte";
import { router } from "./router.svelte";

/** A model or an app that was never called before is rare: the filters offer it when it comes. */
const VALUES_MS = 30_000;

/** The Usage screen's figures, for what its address asks for. */
class Usage {
  /** the models that the traffic is compared with; none are the ones in use */
  #models = $state.raw<string[]>([]);
  /** a price of one's own that it is compared with as well */
  #price = $state.raw<TriedPrice | null>(null);
  /** the one that speaks; null is the cheapest */
  #picked = $state<string | null>(null);
  #followed = "";
  readonly #view = new Resource<UsageView>(
    () => backend.usage(this.#query()),
    ["usage", "settings", "models"],
    REPORT_MS,
  );
  readonly #whatIf = new Resource<WhatIf>(
    () => backend.usageWhatIf(this.#query(), this.#models, this.#price),
    ["usage", "settings", "models"],
    REPORT_MS,
  );
  readonly #values = new Resource<FieldValues[]>(backend.usageValues, ["usage"], VALUES_MS);

  get view() {
    return this.#view;
  }
  get whatIf() {
    return this.#whatIf;
  }
  get values(): FieldValues[] {
    return this.#values.value ?? [];
  }
  get picked(): string | null {
    return this.#picked;
  }
  get price(): TriedPrice | null {
    return this.#price;
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

  /** Compares with one more model or profile; the price of one's own is there already. */
  compareWith(id: string) {
    this.#picked = id;
    if (id) this.#models = [id, ...this.#compared(id)].slice(0, 5);
    return this.#whatIf.reload();
  }

  /** Compares with a price of one's own as well. One that is none is refused, and what was shown stays. */
  async tryPrice(price: TriedPrice) {
    const models = this.#compared();
    const compared = await backend.usageWhatIf(this.#query(), models, price);
    [this.#price, this.#models, this.#picked] = [price, models, ""];
    this.#whatIf.put(compared);
  }

  #compared(except = ""): string[] {
    return this.#whatIf.value?.rows.map(({ id }) => id).filter((id) => id && id !== except) ?? [];
  }

  #query() {
    const { days, conditions, by } = shown(router.screen === "usage" ? router.query : {});
    return { days, conditions, by };
  }
}

export const usage = new Usage();
