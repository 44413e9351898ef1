const AT_MOST = 8;

/** What was last run from the palette, newest first, for as long as the window is open. */
class Recent {
  #ids: string[] = [];

  get list(): string[] {
    return this.#ids;
  }

  add(id: string) {
    this.#ids = [id, ...this.#ids.filter((other) => other !== id)].slice(0, AT_MOST);
  }
}

export const recent = new Recent();
