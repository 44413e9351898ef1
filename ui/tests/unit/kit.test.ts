import { fireEvent, render, screen } from "@testing-library/svelte";
import { expect, it, vi } from "vitest";
import Strip from "../../src/kit/Strip.svelte";

it("words a cell of a strip only once the mouse is over it", async () => {
  const title = vi.fn(() => "9:30: all answered");
  render(Strip, { cells: Array.from({ length: 48 }, () => ({ state: "ok" as const, title })), label: "Health" });
  const strip = screen.getByRole("img", { name: "Health" });
  expect(title).not.toHaveBeenCalled();
  await fireEvent.pointerMove(strip, { clientX: 20 });
  expect(strip.querySelector("title")?.textContent).toBe("9:30: all answered");
});
