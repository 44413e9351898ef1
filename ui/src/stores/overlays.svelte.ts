/** The window-wide dialogs: any screen, key or palette row may ask for one. At most one is open. */
export type Overlay =
  "palette" | "shortcuts" | "stop" | "unlock" | "add-connection" | "import" | "add-provider" | "price";

class Overlays {
  #open = $state<Overlay | null>(null);
  /** the provider to start Add connection with, or whose model gets a price */
  #provider = $state("");
  /** the model that gets a price */
  #model = $state("");
  /** the address that Add connection starts with */
  #baseUrl = $state("");

  get open(): Overlay | null {
    return this.#open;
  }
  get provider(): string {
    return this.#provider;
  }

  get model(): string {
    return this.#model;
  }

  get baseUrl(): string {
    return this.#baseUrl;
  }

  show(overlay: Overlay) {
    this.#provider = "";
    this.#baseUrl = "";
    this.#model = "";
    this.#open = overlay;
  }

  /** Begins with this provider, at this address where one is known. */
  addConnection(provider = "", baseUrl = "") {
    this.#provider = provider;
    this.#baseUrl = baseUrl;
    this.#open = "add-connection";
  }

  setPrice(provider: string, model: string) {
    this.#provider = provider;
    this.#model = model;
    this.#open = "price";
  }

  close() {
    this.#open = null;
  }
}

export const overlays = new Overlays();
