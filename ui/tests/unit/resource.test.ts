import { expect, it } from "vitest";
import { Resource } from "../../src/stores/resource.svelte";

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
