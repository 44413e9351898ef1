// What can be done with a chart: its own menu, and the menu of all of them.
import { fireEvent, screen, waitFor } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import { calls, find, opener, type Window } from "./fixtures/open";

const open = opener({ width: 700, height: 200 });
/** the charts of a report */
const SHOWN = ["hours", "latency", "spend", "tokens"];
const QUERY = { days: { kind: "last", days: 30 }, conditions: [], by: "provider" };

const toast = (text: string) =>
  waitFor(() => expect(screen.getByTestId("toast-text").textContent).toContain(text), { timeout: 4000 });
const last = (engine: Window, command: string) => calls(engine, command).at(-1)?.args;

const drawn = (chart: string) =>
  waitFor(() => expect(screen.getByTestId(`${chart}-chart`).querySelector("[data-slot]")).not.toBeNull(), {
    timeout: 4000,
  });

async function hideOpenai(engine: Window) {
  await drawn("usage-spend");
  await fireEvent.click(screen.getAllByTestId("series-openai")[0]!);
  await waitFor(() =>
    expect(calls(engine, "usage_chart").map(({ args }) => args["request"])).toContainEqual(
      expect.objectContaining({ hidden: ["openai"] }),
    ),
  );
}

async function choose(chart: string, item: string) {
  await fireEvent.click(await find(`${chart}-options`));
  await fireEvent.click(await find(`${chart}-${item}`));
}

describe("the menu of a chart", () => {
  it.each([
    ["png", "The chart is in /data/exports/spend.png"],
    ["svg", "The chart is in /data/exports/spend.svg"],
    ["csv", "The figures are in /data/exports/spend.csv"],
  ])("writes it as %s as it is shown, without what is hidden", async (format, told) => {
    const engine = await open("#/usage");
    await hideOpenai(engine);
    await choose("usage-spend", format);
    await toast(told);
    expect(last(engine, "chart_export")).toEqual({
      chart: {
        of: { screen: "usage", kind: "spend", query: QUERY },
        request: { width: 700, height: 200, theme: "dark", hidden: ["openai"] },
      },
      format,
    });
  });

  it("copies its picture", async () => {
    const engine = await open("#/overview");
    await drawn("spend");
    await choose("spend", "copy");
    await toast("The chart is on the clipboard");
    expect(last(engine, "chart_copy")?.["chart"]).toMatchObject({
      of: { screen: "usage", kind: "spend", query: QUERY },
    });
  });

  it("says what to do where the clipboard does not take it", async () => {
    await open("#/overview", "no-clipboard");
    await drawn("spend");
    await choose("spend", "copy");
    await toast("The clipboard did not take the picture");
    expect(screen.getByTestId("toast").textContent).toContain("Save it as PNG instead.");
  });

  it("is gone through by keys, and gives the focus back", async () => {
    await open("#/usage");
    await drawn("usage-tokens");
    const button = await find("usage-tokens-options");
    expect(button.getAttribute("aria-label")).toBe("Options of Tokens");
    expect(button.title).toBe("Options of Tokens");
    await fireEvent.click(button);
    const menu = await find("usage-tokens-options-menu");
    expect(menu.getAttribute("role")).toBe("menu");
    await waitFor(() => expect(document.activeElement?.textContent).toContain("Copy image"));
    await fireEvent.keyDown(document.activeElement!, { key: "ArrowUp" });
    expect(document.activeElement?.textContent).toContain("View as table");
    await fireEvent.click(document.activeElement!);
    expect(screen.getByTestId("usage-tokens").querySelector("table")).not.toBeNull();
    expect(document.activeElement).toBe(button);
    await fireEvent.click(button);
    expect((await find("usage-tokens-as-table")).textContent).toContain("View as chart");
    await fireEvent.keyDown(document.activeElement!, { key: "Escape" });
    expect(screen.queryByTestId("usage-tokens-options-menu")).toBeNull();
    expect(document.activeElement).toBe(button);
  });
});

describe("the Usage screen's files", () => {
  it("are all charts, those that are shown as they are", async () => {
    const engine = await open("#/usage");
    await hideOpenai(engine);
    await waitFor(() =>
      expect(calls(engine, "usage_chart").map(({ args }) => args["kind"])).toEqual(expect.arrayContaining(SHOWN)),
    );
    await fireEvent.click(await find("usage-export"));
    expect((await find("export-png")).textContent).toContain("6 images");
    await fireEvent.click(await find("export-png"));
    await toast("The charts are in /data/exports/charts");
    const args = last(engine, "charts_export") as { shown: { kind: string; request: { hidden: string[] } }[] };
    expect(args).toMatchObject({ query: QUERY, theme: "dark" });
    expect(args.shown.map(({ kind }) => kind).sort()).toEqual(SHOWN);
    for (const { kind, request } of args.shown) {
      const hidden = kind === "spend" ? ["openai"] : [];
      expect(request, kind).toEqual({ width: 700, height: 200, theme: "dark", hidden });
    }
  });

  it("are the groups of the cost table, with what is inside those that are open", async () => {
    const engine = await open("#/usage");
    await fireEvent.click(await find("usage-table-csv"));
    await toast("The figures are in /data/exports/by-provider.csv");
    expect(last(engine, "usage_export_groups")).toEqual({ query: QUERY, open: null });
    await fireEvent.click(await find("group-openai"));
    await find("sub-gpt-5-mini");
    await fireEvent.click(await find("usage-table-csv"));
    await waitFor(() =>
      expect(last(engine, "usage_export_groups")?.["open"]).toEqual({ by: "model", keys: ["openai"] }),
    );
    await fireEvent.click(screen.getByTestId("usage-by-app"));
    await waitFor(() => expect(screen.getByTestId("usage-table").textContent).toContain("Cost by app"));
    await fireEvent.click(screen.getByTestId("usage-by-provider"));
    await find("group-openai");
    expect(screen.getByTestId("group-openai").getAttribute("aria-expanded")).toBe("false");
  });
});
