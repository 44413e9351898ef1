const TICK_MS = 1000;

/** The one clock of the window: everything relative ("4 s ago") reads it, so that it ages together. */
class Clock {
  #now = $state(Date.now());

  get now(): number {
    return this.#now;
  }

  start(): () => void {
    const timer = setInterval(() => {
      if (!document.hidden) this.#now = Date.now();
    }, TICK_MS);
    return () => clearInterval(timer);
  }
}

export const clock = new Clock();
