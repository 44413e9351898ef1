// How long request details stay, in Settings, on the fixture engine.
import { fireEvent, screen, waitFor } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import { find, open } from "./fixtures/open";

const shows = (text: RegExp) => screen.findByText(text, {}, { timeout: 4000 });

describe("request details", () => {
  it("t3_stay_as_long_as_is_chosen_or_for_ever", async () => {
    const engine = await open("#/settings/data");
    const select = (await find("retention-days")) as HTMLSelectElement;
    await waitFor(() => expect(select.value).toBe("90"));
    await fireEvent.change(select, { target: { value: "0" } });
    await waitFor(() => {
      const set = engine.calls.filter((call) => call.command === "set_retention");
      expect(set.at(-1)?.args).toEqual({ days: 0 });
    });
    await waitFor(() => expect(select.selectedOptions[0]?.textContent?.trim()).toBe("for ever"));
  });

  it("t3_are_moved_to_archives_after_it_was_told_what_moves", async () => {
    const engine = await open("#/settings/data");
    const ran = () => engine.calls.some((call) => call.command === "retention_run");
    await shows(/41,230 attempts in 3 archives, 1\.\d+ MB\. The database has 2\d\d(\.\d)? MB/);
    await fireEvent.click(await find("retention-run"));
    await shows(/1,200 attempts of 2 months would move, about 6\d\d KB of the database\./);
    await fireEvent.click(await find("retention-keep"));
    expect(ran()).toBe(false);
    await fireEvent.click(await find("retention-run"));
    await fireEvent.click(await find("retention-move"));
    await shows(/42,430 attempts in 4 archives.*1,200 attempts were moved\./);
    expect(ran()).toBe(true);
    await fireEvent.click(await find("retention-run"));
    await shows(/Nothing is old enough to be moved\./);
  });
});
