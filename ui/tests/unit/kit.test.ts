import { fireEvent, render, screen } from "@testing-library/svelte";
import { createRawSnippet } from "svelte";
import { describe, expect, it, vi } from "vitest";
import Dialog from "../../src/kit/Dialog.svelte";
import { Walk } from "../../src/kit/rows.svelte";
import Strip from "../../src/kit/Strip.svelte";

it("words a cell of a strip only once the mouse is over it", async () => {
  const title = vi.fn(() => "9:30: all answered");
  render(Strip, { cells: Array.from({ length: 48 }, () => ({ state: "ok" as const, title })), label: "Health" });
  const strip = screen.getByRole("img", { name: "Health" });
  expect(title).not.toHaveBeenCalled();
  await fireEvent.pointerMove(strip, { clientX: 20 });
  expect(strip.querySelector("title")?.textContent).toBe("9:30: all answered");
});

describe("rows that the keyboard walks along", () => {
  function list() {
    document.body.innerHTML =
      '<ul><li tabindex="-1" data-key="a"></li><li tabindex="-1" data-key="b"></li></ul><p tabindex="-1" data-key="1234"></p>';
    const walk = new Walk({ keys: () => ["a", "b"], open: () => "left out by the filter" });
    walk.scroller = document.querySelector("ul")!;
    return walk;
  }

  it("always have one that Tab stops at", () => {
    const walk = list();
    expect(walk.stop).toBe("a");
    walk.focused("b");
    expect(walk.stop).toBe("b");
  });

  it("are not those of another list", async () => {
    const walk = list();
    document.querySelector("p")!.focus();
    expect(walk.current()).toBe("");
    await walk.move(1);
    expect(walk.current()).toBe("a");
    await walk.edge("last");
    expect(walk.current()).toBe("b");
  });
});

describe("a dialog", () => {
  const children = createRawSnippet(() => ({ render: () => "<p>What is asked</p>" }));
  const shown = (dirty: boolean) => {
    const onclose = vi.fn();
    const { unmount } = render(Dialog, { label: "New thing", testid: "new", dirty, onclose, children });
    return { onclose, unmount, dialog: screen.getByTestId<HTMLDialogElement>("new") };
  };
  const cancel = (dialog: HTMLElement) => fireEvent(dialog, new Event("cancel", { cancelable: true }));

  it("asks once before it throws away what was typed", async () => {
    const { onclose, dialog } = shown(true);
    await cancel(dialog);
    expect(onclose).not.toHaveBeenCalled();
    await fireEvent.click(screen.getByText("Keep editing"));
    await cancel(dialog);
    await fireEvent.click(screen.getByTestId("new-discard"));
    expect(onclose).toHaveBeenCalledTimes(1);
  });

  it("asks its owner also where the browser closes it", async () => {
    const { onclose, dialog } = shown(false);
    dialog.close();
    await fireEvent(dialog, new Event("close"));
    expect([onclose.mock.calls.length, dialog.open]).toEqual([1, true]);
  });

  it("gives the focus back when it goes", async () => {
    document.body.innerHTML = "<button>Before</button>";
    const before = document.querySelector("button")!;
    before.focus();
    const { unmount } = shown(false);
    screen.getByLabelText("Close").focus();
    expect(document.activeElement).not.toBe(before);
    unmount();
    expect(document.activeElement).toBe(before);
  });
});
