// Answers that come late, or in another order than they were asked for.
import { expect, it, vi } from "vitest";
import { alerts } from "../../src/stores/alerts.svelte";
import { ImportForm } from "../../src/stores/imports.svelte";
import { playground } from "../../src/stores/playground.svelte";
import { hold } from "../fixtures/held";

it("shows the story of the alert that is open, whichever answer comes last", async () => {
  const backend = hold();
  const [first, second] = [alerts.read(1), alerts.read(2)];
  const [one, two] = [await backend.next("alert_detail"), await backend.next("alert_detail")];
  two.answer({ id: 2 });
  one.answer({ id: 1 });
  await Promise.all([first, second]);
  expect([alerts.detail(1), alerts.detail(2)]).toEqual([null, { id: 2 }]);
});

it("does not put the story of an alert that was only acknowledged in the place of the open one", async () => {
  const backend = hold();
  const read = alerts.read(2);
  (await backend.next("alert_detail")).answer({ id: 2 });
  await read;
  const done = alerts.acknowledge(3);
  (await backend.next("alert_acknowledge")).answer(null);
  (await backend.next("alerts")).answer({ open: [], snoozed: [], closed: [], closed_count: 0 });
  await done;
  expect(backend.asks("alert_detail")).toBe(false);
  expect(alerts.detail(2)).toEqual({ id: 2 });
});

it("tells no estimate of a prompt that is not there any more", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const backend = hold();
  playground.chosen = ["gpt-5-mini", ""];
  playground.prompt = "A long prompt";
  playground.follow();
  vi.runAllTimers();
  vi.useRealTimers();
  const late = await backend.next("playground_estimate");
  playground.prompt = "";
  playground.follow();
  late.answer({ cost: "1" });
  await new Promise((done) => setTimeout(done));
  expect(playground.estimates).toEqual([]);
});

it("shows what the last look found, of the source that is chosen now", async () => {
  const backend = hold();
  const form = new ImportForm();
  form.path = "/home/ana/.env";
  void form.look();
  const file = await backend.next("import_plan");
  form.choose("environment");
  const environment = await backend.next("import_plan");
  const plan = (origin: string) => ({ connections: [{ origin, clash: null }], steps: [], keys: [], skipped: [] });
  environment.answer(plan("environment"));
  await expect.poll(() => form.plan).not.toBeNull();
  file.answer(plan("file"));
  await new Promise((done) => setTimeout(done));
  expect([form.plan?.connections[0]?.origin, ...form.chosen]).toEqual(["environment", "environment"]);
});
