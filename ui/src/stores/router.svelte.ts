import { SvelteMap } from "svelte/reactivity";

export type Query = Record<string, string>;
type Place = { screen: string; item: string; query: Query };

/** Where we are: `#/screen/item?filter=…`. The address is the only copy of it, so Back, reload and links just work. */
class Router {
  #place = $state.raw<Place>({ screen: "", item: "", query: {} });
  #seen: string | null = null;
  /** The last address of each screen: its filters survive going away and coming back, and on some screens the screens the window. */
  readonly #last = new SvelteMap<string, string>(kept());

  get screen() {
    return this.#place.screen;
  }
  /** what is open on the screen, "" if nothing */
  get item() {
    return this.#place.item;
  }
  get query(): Query {
    return this.#place.query;
  }

  start(): () => void {
    const read = () => this.#read();
    window.addEventListener("hashchange", read);
    read();
    return () => window.removeEventListener("hashchange", read);
  }

  /** The address a link to a screen should have: as it was left. */
  link(screen: string): string {
    return this.#last.get(screen) ?? address({ screen, item: "", query: {} });
  }

  /** What was open on a screen, and its filters, when it was left. */
  at(screen: string): Place {
    return parse(this.link(screen));
  }

  /** Goes to a screen as it was left. */
  goto(screen: string) {
    this.#go(this.link(screen));
  }

  /** Goes to one thing on a screen. */
  open(screen: string, item: string, query: Query = {}) {
    this.#go(address({ screen, item, query }));
  }

  /** Opens or closes (with "") an item on this screen; filters stay. */
  select(item: string) {
    this.#go(address({ ...this.#place, item }));
  }

  /** Changes filters in place; an empty value drops one. No step in the history: Back leaves the screen. */
  filter(change: Query) {
    this.#replace(this.#with(change));
  }

  /** Changes filters for a closer look, as a step of the history: Back leads to what was shown before. */
  narrow(change: Query) {
    this.#go(this.#with(change));
  }

  #with(change: Query): string {
    const query = Object.fromEntries(Object.entries({ ...this.#place.query, ...change }).filter(([, text]) => text));
    return address({ ...this.#place, query });
  }

  // WebKit refuses the hundredth change within half a minute: what is shown is right all the same, and the next one is kept.
  #replace(to: string) {
    try {
      history.replaceState(null, "", to);
      this.#read();
    } catch {
      this.#take(to);
    }
  }

  // Read at once: the event comes later, and whoever looks in between would find the place before.
  #go(to: string) {
    location.hash = to;
    this.#read();
  }

  // Whoever goes somewhere has read the address before its event comes.
  #read() {
    if (location.hash !== this.#seen) this.#take(location.hash);
  }

  #take(to: string) {
    const place = parse(to);
    this.#seen = to;
    this.#place = place;
    if (!place.screen) return;
    this.#last.set(place.screen, address(place));
    keep(this.#last);
  }
}

const KEPT = "places";
/** Screens whose filters the next window has as well. */
const LASTING = ["usage", "activity"];

/** What the window before this one left. */
function kept(): [string, string][] {
  try {
    const places: unknown = JSON.parse(localStorage.getItem(KEPT) ?? "{}");
    const texts = Object.entries(places ?? {}).filter(
      (place): place is [string, string] => typeof place[1] === "string",
    );
    return texts.filter(([screen]) => LASTING.includes(screen));
  } catch {
    return [];
  }
}

function keep(places: Iterable<[string, string]>) {
  try {
    const lasting = [...places].filter(([screen]) => LASTING.includes(screen));
    localStorage.setItem(KEPT, JSON.stringify(Object.fromEntries(lasting)));
  } catch {
    // Without room for it, a filter is forgotten with the window: no reason to disturb anybody.
  }
}

function parse(hash: string): Place {
  const [path = "", search = ""] = hash.replace(/^#\/?/, "").split("?");
  const [screen = "", item = ""] = path.split("/").map(decodeURIComponent);
  return { screen, item, query: Object.fromEntries(new URLSearchParams(search)) };
}

function address({ screen, item, query }: Place): string {
  const search = new URLSearchParams(query).toString();
  return `#/${screen}${item ? `/${encodeURIComponent(item)}` : ""}${search ? `?${search}` : ""}`;
}

export const router = new Router();
