import { expect, it } from "vitest";
import { toasts } from "../../src/stores/toasts.svelte";

const texts = () => toasts.list.map(({ text }) => text);

it("keeps an error until it is closed, whatever is told after it", () => {
  toasts.failed(new Error("It failed"));
  for (const text of ["one", "two", "three", "four"]) toasts.done(text);
  expect(texts()).toEqual(["It failed", "three", "four"]);
  toasts.close(toasts.list[0]!.id);
  expect(texts()).toEqual(["three", "four"]);
});
