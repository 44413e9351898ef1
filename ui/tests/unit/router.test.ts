import { afterEach, expect, it, vi } from "vitest";
import { router } from "../../src/stores/router.svelte";

const stop = router.start();
afterEach(() => vi.restoreAllMocks());

it("reads a new address once", async () => {
  const heard = new Promise((done) => addEventListener("hashchange", done, { once: true }));
  router.open("usage", "", { by: "model" });
  const query = router.query;
  await heard;
  expect(router.query).toBe(query);
});

it("filters also where the browser takes no more addresses", () => {
  router.open("connections", "", { q: "op" });
  vi.spyOn(history, "replaceState").mockImplementation(() => {
    throw new DOMException("Too many", "SecurityError");
  });
  router.filter({ q: "open" });
  expect(router.query).toEqual({ q: "open" });
  vi.restoreAllMocks();
  router.filter({ q: "op" });
  expect(router.query).toEqual({ q: "op" });
  router.filter({ q: "opena" });
  expect([router.query["q"], location.hash]).toEqual(["opena", "#/connections?q=opena"]);
  stop();
});
