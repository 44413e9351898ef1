/** Where a secret stays on the clipboard after Copy. */
const SECRET_LIFE_MS = 30_000;

/** Copies text; false if the system does not let us. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/** Copies a secret and takes it off the clipboard again after 30 s. */
export async function copySecret(text: string): Promise<boolean> {
  const copied = await copy(text);
  if (copied) setTimeout(() => void forget(text), SECRET_LIFE_MS);
  return copied;
}

/** What is on the clipboard, or null where the system keeps it from us. */
export async function pasted(): Promise<string | null> {
  try {
    return await navigator.clipboard.readText();
  } catch {
    return null;
  }
}

async function forget(secret: string) {
  const held = await pasted();
  // Something else was copied since: that is not ours to erase.
  if (held !== null && held !== secret) return;
  await copy(" ");
}

// The old way, for a web view that refuses the clipboard API.
function copyBySelection(text: string): boolean {
  const area = document.createElement("textarea");
  area.value = text;
  area.style.cssText = "position:fixed;inset:0 auto auto 0;opacity:0";
  // Inside an open dialog everything else is inert, so the selection must live in it.
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  return copied;
}
