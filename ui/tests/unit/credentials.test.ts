import { expect, it } from "vitest";
import { credentials } from "../../src/stores/credentials.svelte";
import { hold } from "../fixtures/held";

const view = (connection: string, ...versions: number[]) => ({
  connection,
  versions: versions.map((version) => ({ version })),
});

it("k3_a_test_of_a_key_stays_with_its_connection_when_another_is_opened", async () => {
  const backend = hold();
  credentials.open("a");
  (await backend.next("credentials")).answer(view("a", 1, 7));
  await expect.poll(() => credentials.of("a")).not.toBeNull();
  const stored = credentials.addStandby("sk-new");
  const staged = await backend.next("credential_stage");
  credentials.open("b");
  (await backend.next("credentials")).answer(view("b", 1));
  staged.answer(view("a", 1, 7, 8));
  const test = await backend.next("credential_test");
  expect(test.args).toMatchObject({ key: "a", version: 8 });
  expect(credentials.of("b")).not.toBeNull();
  expect([credentials.runOf("a")?.purpose, credentials.runOf("b")]).toEqual(["standby", null]);
  void credentials.stop("b");
  void credentials.stop("a");
  const stop = await backend.next("connection_test_stop");
  expect(stop.args).toEqual({ key: "a" });
  stop.answer(null);
  test.refuse({ code: "cancelled", message: "The test was stopped", hint: "" });
  (await backend.next("credentials")).answer(view("b", 1));
  expect(await stored).toBe(false);
  expect([credentials.refusedOf("a")?.code, credentials.refusedOf("b")]).toEqual(["cancelled", null]);
});
