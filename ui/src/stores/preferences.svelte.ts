import { backend, type Preferences } from "../backend";
import { toasts } from "./toasts.svelte";

const DEFAULTS: Preferences = {
  theme: "system",
  zone: "",
  sidebar: "full",
  single_keys: true,
  text_size: 100,
  last_screen: "",
  keep_running: false,
  log_columns: ["app", "model", "connection", "tokens", "took"],
};

class PreferencesStore {
  #values = $state.raw<Preferences>(DEFAULTS);
  #systemDark = $state(true);

  constructor() {
    const query = globalThis.matchMedia?.("(prefers-color-scheme: dark)");
    if (!query) return;
    this.#systemDark = query.matches;
    query.addEventListener("change", (event) => (this.#systemDark = event.matches));
  }

  get values(): Preferences {
    return this.#values;
  }
  /** the theme in force, System resolved */
  get theme(): "dark" | "light" {
    if (this.#values.theme !== "system") return this.#values.theme;
    return this.#systemDark ? "dark" : "light";
  }
  /** the trader's zone; "" is the system's */
  get zone(): string {
    return this.#values.zone;
  }
  get zoom(): number {
    return this.#values.text_size / 100;
  }

  async load() {
    this.#values = await backend.preferences();
  }

  /** Takes effect at once; saved behind it, and taken back if that fails. */
  async set(change: Partial<Preferences>) {
    const before = this.#values;
    this.#values = { ...before, ...change };
    try {
      await backend.setPreferences(this.#values);
    } catch (thrown) {
      this.#values = before;
      toasts.failed(thrown);
    }
  }

  flipTheme() {
    void this.set({ theme: this.theme === "dark" ? "light" : "dark" });
  }

  flipSidebar() {
    void this.set({ sidebar: this.#values.sidebar === "full" ? "rail" : "full" });
  }
}

export const preferences = new PreferencesStore();
