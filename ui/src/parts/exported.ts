import type { Exported } from "../backend";
import { copy } from "../clipboard";
import { toasts } from "../stores/toasts.svelte";

/** Tells where a file is once it is written, or why it is not. `what` says what is in it, and that it is: "The charts are". */
export async function tell(work: Promise<Exported>, what: (entries: number) => string) {
  try {
    const { path, entries } = await work;
    toasts.done(`${what(entries)} in ${path}`, { label: "Copy path", run: () => void copy(path) });
  } catch (thrown) {
    toasts.failed(thrown);
  }
}
