import { preferences } from "./preferences.svelte";

/** `"Ctrl+K"`, `"Shift+T"`, `"g o"` (one after the other), `"?"`, `"Escape"`. Ctrl is Cmd on a Mac. */
export type Bindings = Record<string, (event: KeyboardEvent) => void>;

const SEQUENCE_MS = 1200;

/** One listener for the whole window; screens lend it their keys while they are shown. The last scope wins. */
class Keyboard {
  readonly #scopes: Bindings[] = [];
  #first = "";
  #timer: ReturnType<typeof setTimeout> | undefined;

  start(): () => void {
    const onKey = (event: KeyboardEvent) => this.#press(event);
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }

  /** `$effect(() => keyboard.scope({ ... }))` */
  scope(bindings: Bindings): () => void {
    this.#scopes.push(bindings);
    return () => {
      const at = this.#scopes.indexOf(bindings);
      if (at >= 0) this.#scopes.splice(at, 1);
    };
  }

  #press(event: KeyboardEvent) {
    // An open dialog owns the keyboard; so does whoever handled the key already.
    if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const combo = comboOf(event);
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (plain && combo !== "Escape" && (isTyping(event.target) || !preferences.values.single_keys)) return;
    const run = this.#find(this.#first ? `${this.#first} ${combo}` : combo);
    this.#expect(!run && plain && !this.#first && combo === "g" ? combo : "");
    if (!run) return;
    event.preventDefault();
    run(event);
  }

  #find(combo: string) {
    return this.#scopes.findLast((bindings) => bindings[combo])?.[combo];
  }

  #expect(first: string) {
    clearTimeout(this.#timer);
    this.#first = first;
    if (first) this.#timer = setTimeout(() => (this.#first = ""), SEQUENCE_MS);
  }
}

function comboOf(event: KeyboardEvent): string {
  const letter = /^Key([A-Z])$/.exec(event.code)?.[1];
  const ctrl = event.ctrlKey || event.metaKey;
  // With Shift the key of a symbol depends on the layout, so Ctrl+Shift+. goes by its place.
  const key = event.code === "Period" && ctrl ? "." : event.key;
  const name =
    key.length === 1 && /[a-z]/i.test(key) ? (ctrl || event.shiftKey ? key.toUpperCase() : key.toLowerCase()) : key;
  const shown = ctrl && letter ? letter : name;
  const shift = event.shiftKey && (ctrl || event.altKey || shown.length > 1 || /[A-Z]/.test(shown));
  return [ctrl && "Ctrl", event.altKey && "Alt", shift && "Shift", shown].filter(Boolean).join("+");
}

/** Single keys must not fire while somebody types. */
export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && !!target.closest("input, textarea, select, [contenteditable]");
}

export const keyboard = new Keyboard();

/** How Ctrl and Alt are called here. */
export const isMac = /Mac/.test(globalThis.navigator?.platform ?? "");
