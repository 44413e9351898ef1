/** The window-wide dialogs: any screen, key or palette row may ask for one. At most one is open. */
export type Overlay = "palette" | "shortcuts" | "stop" | "add-connection";

class Overlays {
  #open = $state<Overlay | null>(null);
  /** the provider to start Add connection with */
  #provider = $state("");

  get open(): Overlay | null {
    return this.#open;
  }
  get provider(): string {
    return this.#provider;
  }

  show(overlay: Overlay) {
    this.#provider = "";
    this.#open = overlay;
  }

  addConnection(provider = "") {
    this.#provider = provider;
    this.#open = "add-connection";
  }

  close() {
    this.#open = null;
  }
}

export const overlays = new Overlays();
