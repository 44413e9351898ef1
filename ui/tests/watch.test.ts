// Alerts and budgets in the window, on the fixture engine.
import { fireEvent, screen, waitFor } from "@testing-library/svelte";
import { describe, expect, it, vi } from "vitest";
import { calls, find, open } from "./fixtures/open";

const press = (key: string) => fireEvent.keyDown(document.activeElement ?? document.body, { key });

describe("alerts", () => {
  it("n2_are_counted_in_the_sidebar_read_acknowledged_and_snoozed_by_keyboard", async () => {
    const engine = await open("#/alerts");
    expect((await find("nav-alerts-open")).textContent).toBe("3");
    const first = await find("alert-needs_attention");
    await fireEvent.click(first);
    expect((await find("alert-detail")).textContent).toContain("The key of OpenRouter overflow was refused");
    await find("alert-step-0");
    first.focus();
    await press("a");
    await waitFor(() => expect(calls(engine, "alert_acknowledge")[0]?.args).toEqual({ id: 1 }));
    await waitFor(() => expect(screen.getByTestId("alert-needs_attention").dataset["state"]).toBe("acknowledged"));
    screen.getByTestId("alert-budget").focus();
    await press("z");
    await waitFor(() => expect(calls(engine, "alert_snooze")[0]?.args).toEqual({ id: 3, minutes: 60 }));
    await waitFor(() => expect(screen.queryByTestId("alert-budget")).toBeNull());
    await fireEvent.click(screen.getByTestId("alerts-snoozed"));
    await find("alert-budget");
    expect(location.hash).toContain("show=snoozed");
  });

  it("n3_show_what_they_are_about_over_time_as_a_drawing_or_a_table", async () => {
    vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(376);
    vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(150);
    const engine = await open("#/alerts");
    await fireEvent.click(await find("alert-needs_attention"));
    const chart = await find("alert-evidence-chart");
    await waitFor(() => expect(chart.querySelector("[data-slot]")).not.toBeNull());
    expect(chart.getAttribute("role")).toBe("img");
    expect(chart.getAttribute("aria-label")).toContain("Spend");
    const request = { width: 376, height: 150, theme: "dark" };
    expect(calls(engine, "alert_chart")[0]?.args).toMatchObject({ id: 1, request });
    await fireEvent.click(screen.getByTestId("alert-evidence-options"));
    await fireEvent.click(await find("alert-evidence-svg"));
    await waitFor(() =>
      expect(calls(engine, "chart_export").at(-1)?.args["chart"]).toMatchObject({ of: { screen: "alert", id: 1 } }),
    );
    await fireEvent.click(screen.getByTestId("alert-evidence-options"));
    await fireEvent.click(await find("alert-evidence-as-table"));
    await waitFor(() => expect(screen.queryByTestId("alert-evidence-chart")).toBeNull());
    expect(screen.getByTestId("alert-evidence").querySelector("table")).not.toBeNull();
    await fireEvent.click(screen.getByTestId("alerts-snoozed"));
    await fireEvent.click(await find("alert-credential_age"));
    await find("alert-step-0");
    expect(screen.queryByTestId("alert-evidence")).toBeNull();
    vi.restoreAllMocks();
  });

  it("lead to what mends them", async () => {
    await open("#/alerts");
    await find("alert-needs_attention");
    const [fixKey] = screen.getAllByTestId("alert-fix");
    if (fixKey) await fireEvent.click(fixKey);
    expect(location.hash).toContain("#/connections/conn_openrouter");
  });

  it("follow_rules_that_are_switched_and_tested", async () => {
    const engine = await open("#/alerts");
    await fireEvent.click(await find("rule-switch-loop"));
    await fireEvent.click(screen.getByTestId("rule-desktop-budget"));
    await fireEvent.click(screen.getByTestId("rule-test-budget"));
    await waitFor(() => expect(calls(engine, "alert_rule_test")[0]?.args).toEqual({ kind: "budget" }));
    expect(calls(engine, "alert_rule_set").map(({ args }) => args)).toEqual([
      { kind: "loop", isOn: false, onDesktop: null },
      { kind: "budget", isOn: null, onDesktop: false },
    ]);
    expect(screen.getByTestId("rule-test-idle_spend").hasAttribute("disabled")).toBe(true);
  });
});

describe("budgets", () => {
  it("n1_the_cap_shows_in_the_status_bar_and_a_stop_offers_more", async () => {
    const engine = await open("#/overview", "capped");
    expect((await find("status-today")).textContent).toContain("of $12.00");
    expect((await find("status-gateway")).textContent).toContain("Traffic stopped");
    expect((await find("budget-note")).textContent).toContain("the daily budget of $12.00 is reached");
    await fireEvent.click(screen.getByTestId("resume-more"));
    await waitFor(() =>
      expect(calls(engine, "budget_resume")[0]?.args).toEqual({
        key: { scope: { kind: "all", name: "" }, period: "day", measure: "money" },
        more: "2",
      }),
    );
    await waitFor(() => expect(screen.queryByTestId("budget-note")).toBeNull());
  });

  it("are set by leaving the field, and removed by emptying it", async () => {
    const engine = await open("#/settings/budget");
    const field = await waitFor(() => {
      const input = screen.getByTestId<HTMLInputElement>("budget-day");
      expect(input.value).toBe("12");
      return input;
    });
    await fireEvent.input(field, { target: { value: "$15" } });
    await fireEvent.blur(field);
    await waitFor(() =>
      expect(calls(engine, "budget_set")[0]?.args["draft"]).toMatchObject({ cap: "15", on_limit: "stop" }),
    );
    await fireEvent.input(field, { target: { value: "much" } });
    await fireEvent.blur(field);
    await waitFor(() => expect(screen.getByText(/is no amount/)).toBeTruthy());
    await fireEvent.input(field, { target: { value: "" } });
    await fireEvent.blur(field);
    await waitFor(() => expect(screen.getAllByText("No budget")).toHaveLength(2));
    expect(calls(engine, "budget_remove")).toHaveLength(1);
  });
});
