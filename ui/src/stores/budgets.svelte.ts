import { backend, type Budget, type BudgetDraft, type BudgetKey, type ScopeName } from "../backend";
import { Resource } from "./resource.svelte";

/** All budgets, and how far they are used. */
class Budgets {
  readonly #list = new Resource(backend.budgets, ["budgets", "usage", "settings", "apps", "connections"]);

  get list(): Budget[] {
    return this.#list.value ?? [];
  }
  get loading() {
    return this.#list.loading;
  }
  get error() {
    return this.#list.error;
  }
  watch() {
    return this.#list.watch();
  }
  reload() {
    return this.#list.reload();
  }

  /** the budget of money for that scope and period */
  money(scope: ScopeName, period: BudgetKey["period"]): Budget | null {
    const fits = (one: Budget) =>
      one.scope.kind === scope.kind &&
      one.scope.name === scope.name &&
      one.period === period &&
      one.measure === "money";
    return this.list.find(fits) ?? null;
  }

  async set(draft: BudgetDraft): Promise<Budget> {
    const saved = await backend.budgetSet(draft);
    await this.reload();
    return saved;
  }

  async remove(key: BudgetKey) {
    await backend.budgetRemove(key);
    await this.reload();
  }

  async resume(key: BudgetKey, more: string): Promise<Budget> {
    const saved = await backend.budgetResume(key, more);
    await this.reload();
    return saved;
  }
}

export const budgets = new Budgets();
export const EVERYTHING: ScopeName = { kind: "all", name: "" };
