import { preferences } from "./preferences.svelte";

/** Below this the sidebar is a rail and lists drop columns; below the second the detail pane floats. */
const NARROW = 1120;
const FLOATING = 900;

/** The width of the window in the user's text size: at 150% a wide window is a narrow one. */
class Layout {
  #width = $state(globalThis.innerWidth ?? 1280);

  get width() {
    return this.#width / preferences.zoom;
  }
  get narrow() {
    return this.width < NARROW;
  }
  get floating() {
    return this.width < FLOATING;
  }
  get rail() {
    return this.narrow || preferences.values.sidebar === "rail";
  }

  start(): () => void {
    const measure = () => (this.#width = window.innerWidth);
    window.addEventListener("resize", measure);
    return () => window.removeEventListener("resize", measure);
  }
}

export const layout = new Layout();
