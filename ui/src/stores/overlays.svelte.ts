/** The window-wide dialogs: any screen, key or palette row may ask for one. At most one is open. */
export type Overlay = "palette" | "shortcuts" | "stop" | "add-connection" | "import" | "add-provider" | "price";

class Overlays {
  #open = $state<Overlay | null>(null);
  /** the provider to start Add connection with, or whose model gets a price */
  #provider = $state("");
  /** the model that gets a price */
  #model = $state("");

  get open(): Overlay | null {
    return this.#open;
  }
  get provider(): string {
    return this.#provider;
  }

  get model(): string {
    return this.#model;
  }

  show(overlay: Overlay) {
    this.#provider = "";
    this.#model = "";
    this.#open = overlay;
  }

  addConnection(provider = "") {
    this.#provider = provider;
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
