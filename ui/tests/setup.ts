// jsdom lacks what has to do with looks: modal dialogs, media queries, sizes, places, scrolling.
HTMLDialogElement.prototype.showModal ??= function (this: HTMLDialogElement) {
  this.setAttribute("open", "");
};
HTMLDialogElement.prototype.close ??= function (this: HTMLDialogElement) {
  this.removeAttribute("open");
};
globalThis.matchMedia ??= ((media: string) => ({
  media,
  matches: true,
  addEventListener: () => {},
  removeEventListener: () => {},
})) as unknown as typeof matchMedia;
Element.prototype.scrollIntoView ??= () => {};
Element.prototype.setPointerCapture ??= () => {};
Document.prototype.elementFromPoint ??= () => null;
globalThis.ResizeObserver ??= class {
  observe() {}
  unobserve() {}
  disconnect() {}
};
globalThis.CSS ??= { escape: (text: string) => text } as typeof CSS;
