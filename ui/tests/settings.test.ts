// Settings in the window, on the fixture engine: what is refused is told at its field, and nothing is saved by itself.
import { fireEvent, screen, waitFor } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import { calls, find, open } from "./fixtures/open";

const leave = async (id: string, value: string) => {
  const input = await find<HTMLInputElement>(id);
  await fireEvent.input(input, { target: { value } });
  await fireEvent.blur(input);
  return input;
};

describe("limits of alerts", () => {
  it("are saved when they are changed, and refused at their field", async () => {
    const engine = await open("#/settings/notifications");
    await fireEvent.blur(await find("loop-times"));
    await leave("loop-times", "1");
    expect((await screen.findByText(/Times: a whole number from 2 to 1,000/)).getAttribute("role")).toBe("alert");
    expect(calls(engine, "alert_limits_set")).toHaveLength(0);
    await fireEvent.keyDown(screen.getByTestId("loop-times"), { key: "Escape" });
    await waitFor(() => expect(screen.queryByText(/whole number/)).toBeNull());
    await leave("idle-spend", "much");
    await screen.findByText(/"much" is no amount/);
    await leave("loop-times", "12");
    await waitFor(() => expect(calls(engine, "alert_limits_set")).toHaveLength(2));
    expect(calls(engine, "alert_limits_set")[1]?.args["limits"]).toMatchObject({ loop_times: 12 });
  });
});

describe("dialogs of the vault", () => {
  it("begin in their first field", async () => {
    const engine = await open("#/settings/security");
    await find("vault-move");
    engine.state.status.vault.kind = "file";
    engine.changed("status");
    await fireEvent.click(await find("vault-passphrase"));
    await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId("passphrase-now")));
  });
});
