import { afterEach, expect, it, vi } from "vitest";
import { feed, Resource } from "../../src/stores/resource.svelte";

/** Answers that come when the test says so. */
function reads() {
  const asked: ((value: string) => void)[] = [];
  const read = () => new Promise<string>((answer) => asked.push(answer));
  return { read, asked };
}

it("shows what was put, whatever a read under way brings, and reads once more", async () => {
  const { read, asked } = reads();
  const resource = new Resource(read, []);
  const done = resource.reload();
  resource.put("put");
  asked[0]!("of the time before");
  await expect.poll(() => asked.length).toBe(2);
  expect(resource.value).toBe("put");
  asked[1]!("now");
  await done;
  expect(resource.value).toBe("now");
});

it("folds what is asked during a read into one more", async () => {
  const { read, asked } = reads();
  const resource = new Resource(read, []);
  const done = Promise.all([resource.reload(), resource.reload(), resource.reload()]);
  asked[0]!("first");
  await expect.poll(() => asked.length).toBe(2);
  expect(resource.value).toBe("first");
  asked[1]!("second");
  await done;
  expect([resource.value, asked.length]).toEqual(["second", 2]);
});

const settle = () => vi.advanceTimersByTimeAsync(300);
afterEach(() => vi.useRealTimers());

it("hears nothing while nobody looks, and reads what has changed meanwhile once somebody does", async () => {
  vi.useFakeTimers();
  const read = vi.fn(async () => "read");
  const resource = new Resource(read, ["apps", "usage"]);
  const first = resource.watch();
  const second = resource.watch();
  await settle();
  feed.tell("apps");
  await settle();
  expect(read).toHaveBeenCalledTimes(2);
  first();
  feed.tell("usage");
  await settle();
  expect(read).toHaveBeenCalledTimes(3);
  second();
  feed.tell("apps");
  await settle();
  expect(read).toHaveBeenCalledTimes(3);
  resource.watch()();
  await settle();
  expect(read).toHaveBeenCalledTimes(4);
  resource.watch()();
  await settle();
  expect(read).toHaveBeenCalledTimes(4);
});

it("reads no more often than its pace, and soon after the first change", async () => {
  vi.useFakeTimers();
  const read = vi.fn(async () => "read");
  const end = new Resource(read, ["usage"], 2000).watch();
  await settle();
  for (let at = 0; at < 40; at += 1) {
    feed.tell("usage");
    await vi.advanceTimersByTimeAsync(100);
    if (at === 3) expect(read).toHaveBeenCalledTimes(2);
  }
  expect(read).toHaveBeenCalledTimes(3);
  await vi.advanceTimersByTimeAsync(2000);
  expect(read).toHaveBeenCalledTimes(4);
  end();
});

it("takes no failed read for a fresh one, and shows no old error beside what was put", async () => {
  const read = vi.fn().mockRejectedValueOnce(new Error("gone")).mockResolvedValue("read");
  const resource = new Resource(read, []);
  resource.watch()();
  await expect.poll(() => resource.error).not.toBeNull();
  resource.put("put");
  expect(resource.error).toBeNull();
  resource.watch()();
  await expect.poll(() => resource.value).toBe("read");
});
