import { fireEvent, render, screen } from "@testing-library/svelte";
import { createRawSnippet } from "svelte";
import { describe, expect, it, vi } from "vitest";
import Combobox from "../../src/kit/Combobox.svelte";
import Dialog from "../../src/kit/Dialog.svelte";
import Menu from "../../src/kit/Menu.svelte";
import { Walk } from "../../src/kit/rows.svelte";
import Select from "../../src/kit/Select.svelte";
import Strip from "../../src/kit/Strip.svelte";
import Tabs from "../../src/kit/Tabs.svelte";

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

describe("a field of choices", () => {
  const choices = ["alpha", "beta", "gamma"].map((value) => ({ value }));
  function shown() {
    const oncommit = vi.fn();
    render(Combobox, { label: "Model", value: "", choices, testid: "model", oncommit });
    return { oncommit, input: screen.getByTestId<HTMLInputElement>("model") };
  }
  const press = (key: string) => fireEvent.keyDown(screen.getByTestId("model"), { key });

  it("begins at its end with the arrow up, and anew after each letter", async () => {
    const { oncommit, input } = shown();
    await press("ArrowUp");
    await press("Enter");
    expect(oncommit).toHaveBeenLastCalledWith("gamma", "picked");
    await fireEvent.input(input, { target: { value: "a" } });
    await press("ArrowDown");
    await fireEvent.input(input, { target: { value: "al" } });
    await press("Enter");
    expect(oncommit).toHaveBeenLastCalledWith("al", "picked");
  });

  it("tells a text once, and whether it was left", async () => {
    const { oncommit, input } = shown();
    await fireEvent.input(input, { target: { value: "delta" } });
    await press("Enter");
    await fireEvent.blur(input);
    expect(oncommit.mock.calls).toEqual([["delta", "picked"]]);
    await fireEvent.input(input, { target: { value: "del" } });
    await fireEvent.blur(input);
    expect(oncommit).toHaveBeenLastCalledWith("del", "left");
  });
});

it("a select shows what is saved, also when saving fails", async () => {
  let fail = () => {};
  const onchange = () => new Promise<void>((done) => (fail = done));
  const options = ["one", "two"].map((value) => ({ value, label: value }));
  render(Select, { label: "Which", value: "one", options, testid: "which", onchange });
  const select = screen.getByTestId<HTMLSelectElement>("which");
  await fireEvent.change(select, { target: { value: "two" } });
  expect(select.value).toBe("two");
  fail();
  await expect.poll(() => select.value).toBe("one");
});

it("tabs take the focus along", async () => {
  const tabs = ["one", "two"].map((value) => ({ value, label: value }));
  const { rerender } = render(Tabs, {
    label: "Which",
    value: "one",
    tabs,
    onchange: (value: string) => void rerender({ value }),
  });
  screen.getByTestId("tab-one").focus();
  await fireEvent.keyDown(screen.getByTestId("tab-one"), { key: "ArrowRight" });
  await expect.poll(() => document.activeElement).toBe(screen.getByTestId("tab-two"));
});

describe("a menu", () => {
  const items = ["Sort", "Group", "Hide"].map(
    (name, at) => `<button role="menuitem"${at === 1 ? " disabled" : ""}>${name}</button>`,
  );
  const children = createRawSnippet(() => ({ render: () => `<div>${items.join("")}</div>` }));
  const shown = async () => {
    render(Menu, { label: "More", testid: "more", children: children as never });
    await fireEvent.click(screen.getByTestId("more"));
  };

  it("passes over what cannot be chosen", async () => {
    await shown();
    expect(document.activeElement?.textContent).toBe("Sort");
    for (const [key, at] of [
      ["ArrowDown", "Hide"],
      ["ArrowDown", "Sort"],
      ["ArrowUp", "Hide"],
    ] as const) {
      await fireEvent.keyDown(document.activeElement!, { key });
      expect(document.activeElement?.textContent).toBe(at);
    }
  });

  it("closes when the keyboard goes on", async () => {
    await shown();
    await fireEvent.focusOut(document.activeElement!, { relatedTarget: document.body });
    expect(screen.queryByTestId("more-menu")).toBeNull();
  });
});
