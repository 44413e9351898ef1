// The Activity screen on the fixture engine, its address and its words.
import { fireEvent, screen, waitFor } from "@testing-library/svelte";
import type { AlertKind, Budget } from "../src/backend";
import { evidence } from "../src/screens/alerts/alerts/words";
import { describe, expect, it } from "vitest";
import { COLUMNS, fitting, switched } from "../src/screens/activity/columns";
import { momentIn } from "../src/screens/activity/jump";
import { leading, moments, shown } from "../src/screens/activity/query";
import { leftWords, lineLook, priceWords, stopWords } from "../src/screens/activity/words";
import { line, LINES, onItsWay, stop, TOP } from "./fixtures/activity";
import { budgets } from "./fixtures/watch";
import { calls, find, opener, shut } from "./fixtures/open";

const open = opener({ width: 900, height: 400 });

const lines = () => screen.getAllByTestId("line");
const key = (row: HTMLElement | undefined) => Number(row?.dataset["key"]);

async function scrollTo(top: number) {
  const log = screen.getByTestId("log");
  log.scrollTop = top;
  await fireEvent.scroll(log);
}

describe("the address of the Activity screen", () => {
  it("is every request of any time where it says nothing", () =>
    expect(shown({})).toEqual({ span: { kind: "any" }, conditions: [], lines: "calls" }));
  it.each([
    [{ days: "7" }, { kind: "days", days: { kind: "last", days: 7 } }],
    [
      { from: "2026-11-01", to: "2026-11-02" },
      { kind: "days", days: { kind: "between", from: "2026-11-01", to: "2026-11-02" } },
    ],
    [
      { since: "5", until: "9" },
      { kind: "moments", from: 5, to: 9 },
    ],
    [
      { until: "9", days: "7" },
      { kind: "moments", from: null, to: 9 },
    ],
    [{ until: "soon" }, { kind: "any" }],
  ])("%j is %j", (query, span) => expect(shown(query as never).span).toEqual(span));
  it("comes from figures of other screens with the same filters", () => {
    const conditions = [{ field: "error" as const, relation: "is" as const, values: ["timed_out"] }];
    const query = leading({ kind: "last", days: 30 }, conditions, "attempts");
    expect(shown(query)).toEqual({
      span: { kind: "days", days: { kind: "last", days: 30 } },
      conditions,
      lines: "attempts",
    });
    expect(leading(null, [])).toEqual({});
    expect(shown({ ...query, ...moments(1, 2) }).span).toEqual({ kind: "moments", from: 1, to: 2 });
  });
});

describe("the columns of the log", () => {
  const all = COLUMNS.map(({ column }) => column);
  it.each([
    [340, ["connection"]],
    [380, ["connection", "took"]],
    [440, ["connection", "took", "app"]],
    [560, ["connection", "took", "app", "model"]],
    [900, ["connection", "took", "app", "model", "tokens"]],
    [1020, ["connection", "took", "app", "model", "tokens", "feature"]],
  ] as const)("at %i px are %j", (width, columns) => expect([...fitting(all, width, 340)]).toEqual(columns));
  it("leave their room to the others", () => {
    expect(fitting(["tokens", "took"], 720, 340)).toEqual(new Set(["took", "tokens"]));
    expect(fitting([], 2000, 340)).toEqual(new Set());
  });
  it("keep their order", () => {
    expect(switched(["took"], "app")).toEqual(["app", "took"]);
    expect(switched(all, "model")).toEqual(all.filter((column) => column !== "model"));
  });
});

describe("a moment to jump to", () => {
  const now = Date.UTC(2026, 10, 20, 15, 42);
  it.each([
    ["14:05", "UTC", Date.UTC(2026, 10, 20, 14, 5)],
    ["16:00", "UTC", Date.UTC(2026, 10, 19, 16, 0)],
    ["2026-11-03", "America/New_York", Date.UTC(2026, 10, 3, 5)],
    ["2026-11-01 03:00", "America/New_York", Date.UTC(2026, 10, 1, 8)],
    ["2026-03-08 03:30", "America/New_York", Date.UTC(2026, 2, 8, 7, 30)],
    ["2026-07-01T09:15", "Asia/Kathmandu", Date.UTC(2026, 6, 1, 3, 30)],
    ["", "UTC", null],
    ["25:00", "UTC", null],
    ["2026-02-30", "UTC", null],
    ["yesterday", "UTC", null],
  ])("%s in %s", (text, zone, at) => expect(momentIn(text, zone, now)).toBe(at));
});

describe("the words of the log", () => {
  it.each([
    [{}, "200", "okc"],
    [{ via: [{ name: "a", color: 1 }] }, "200 moved", "swap"],
    [{ waited_ms: 900 }, "200 waited", "okc"],
    [{ outcome: "failed", status: null }, "Failed", "xoct"],
    [{ outcome: "failed", status: 502, is_final: false }, "502 went on", "xoct"],
    [{ outcome: "limited", status: 429 }, "429", "gauge"],
    [{ outcome: "cancelled", status: 200 }, "Cancelled", "minus"],
    [{ outcome: "toString", status: null }, "Unknown", "ring"],
  ])("%j is %s", (more, text, icon) => expect(lineLook(line(1, more))).toMatchObject({ text, icon }));
  it("tells a stop in plain words", () => {
    expect(stopWords(stop({ waited_ms: 1200 }))).toBe(
      "Waited 1.20 s in line. First token after 1.40 s, the rest in 710 ms.",
    );
    expect(stopWords(stop({ first_token_ms: null }))).toBe("Answered in 2.11 s.");
    expect(stopWords(stop({ kind: "skipped", reason: "switched off" }))).toBe("Switched off.");
    expect(stopWords(stop({ outcome: "failed", reason: "Timeout", took_ms: 30_000 }))).toBe("Timeout after 30.00 s.");
  });
  it("tells what is left of a budget, of what and whose", () => {
    const [all] = budgets as [Budget];
    const scope = { kind: "app", name: "bot" } as const;
    const requests = { scope, measure: "requests", period: "month", left: "900", cap: "1000" } as const;
    expect(leftWords({ ...all, extra: "2" })).toBe("$5.72 of $12.00 + $2.00 today, all traffic");
    expect(leftWords({ ...all, ...requests })).toBe("900 of 1,000 requests this month, app bot");
  });
  it("tells the price that was used, whose it is and from which size on", () => {
    const { price } = stop();
    expect(priceWords(price!)).toBe("$0.25 in, $2.00 out, $0.03 cached per 1M, the table in this program");
    const tier = { above_tokens: 200_000, input: "2.5", output: "15", cached: null, cache_write: null };
    expect(priceWords({ source: "user", tier })).toBe(
      "$2.50 in, $15.00 out per 1M above 200,000 tokens, your own price",
    );
  });
});

describe("what an alert is about", () => {
  const alert = { id: 1, severity: "bad", state: "open", title: "", evidence: "", snoozed_until: null } as const;
  const at = (kind: AlertKind, subject: string, closed_at: number | null = null) =>
    evidence({ ...alert, kind, subject, opened_at: 10_000_000, closed_at });
  it.each([
    ["breaker_open", "main/gpt-5", "is.connection", "main"],
    ["standby_took_over", "main v3", "is.connection", "main"],
    ["loop", "bot", "is.app", "bot"],
    ["unknown_price", "openrouter/qwen/qwen3", "is.model", "qwen%2Fqwen3"],
    ["budget", "feature:news, money per day", "is.feature", "news"],
    ["budget", "all:, money per day", "lines", "attempts"],
    ["no_candidate", "gpt-9", "lines", "attempts"],
  ] as const)("%s of %s leads to its requests", (kind, subject, name, value) =>
    expect(at(kind, subject)).toMatchObject({ [name]: value, since: "9700000", until: "13600000" }),
  );
  it("ends where the alert does, and is nothing where no request is behind it", () => {
    expect(at("loop", "bot", 11_000_000)).toMatchObject({ until: "11000000" });
    expect(at("credential_age", "main")).toBeNull();
  });
});

describe("a connection's Activity tab", () => {
  it("shows its last attempts and its changes, and opens one of them among all", async () => {
    const engine = await open("#/connections/conn_openai_main?tab=activity");
    await find("log");
    const only = [{ field: "connection", relation: "is", values: ["conn_openai_main"] }];
    expect(calls(engine, "activity")[0]?.args["query"]).toMatchObject({ conditions: only, lines: "attempts" });
    await find("connection-changes");
    await fireEvent.click(lines()[3]!);
    await find("call-detail");
    expect(location.hash).toContain("#/activity/");
    expect(location.hash).toContain("is.connection=conn_openai_main");
  });
});

describe("the Activity screen", () => {
  it("draws only the lines in view, and reads on where somebody scrolls", async () => {
    const engine = await open("#/activity");
    await find("log");
    expect(lines().length).toBeLessThan(60);
    expect(key(lines()[0])).toBe(LINES);
    expect(calls(engine, "activity")).toHaveLength(1);
    await scrollTo(190 * 28);
    await waitFor(() => expect(calls(engine, "activity")).toHaveLength(2));
    const [, second] = calls(engine, "activity");
    expect(second?.args["below"]).toEqual({ at: TOP - 199 * 60_000, id: LINES - 199 });
    await scrollTo(250 * 28);
    await waitFor(() => expect(lines().some((row) => key(row) === LINES - 255)).toBe(true));
    expect(lines().length).toBeLessThan(60);
    const drawn = lines().map(key);
    expect(drawn).toEqual([...drawn].sort((a, b) => b - a));
  });

  it("puts what is new on top, and counts it instead while somebody looks further down", async () => {
    const engine = await open("#/activity");
    await find("log");
    engine.logged.push(line(LINES + 1));
    engine.changed("usage");
    await waitFor(() => expect(key(lines()[0])).toBe(LINES + 1));
    await scrollTo(20 * 28);
    expect(screen.getByTestId("activity-held").getAttribute("aria-pressed")).toBe("true");
    engine.logged.push(line(LINES + 2), line(LINES + 3));
    engine.changed("usage");
    expect((await find("activity-new")).textContent).toContain("2 new requests");
    await fireEvent.click(screen.getByTestId("activity-new"));
    await waitFor(() => expect(key(lines()[0])).toBe(LINES + 3));
    expect(screen.queryByTestId("activity-new")).toBeNull();
    expect(screen.getByTestId("activity-live").getAttribute("aria-pressed")).toBe("true");
  });

  it("tells a late attempt at its place, and none twice", async () => {
    const engine = await open("#/activity");
    await find("log");
    // It began three minutes ago and ended just now; another is older than what is in view and comes with its page.
    engine.logged.push(line(LINES + 1, { at: TOP - 3 * 60_000 - 1 }), line(LINES + 2, { at: TOP - 300 * 60_000 - 1 }));
    engine.changed("usage");
    await waitFor(() => expect(lines().map(key).slice(0, 6)).toEqual([1500, 1499, 1498, 1497, LINES + 1, 1496]));
    await scrollTo(190 * 28);
    await waitFor(() => expect(calls(engine, "activity")).toHaveLength(2));
    await scrollTo(295 * 28);
    await waitFor(() => expect(lines().map(key)).toContain(LINES + 2));
    const drawn = lines().map(key);
    expect(new Set(drawn).size).toBe(drawn.length);
  });

  it("opens a request and tells its way, from the keyboard too", async () => {
    await open("#/activity");
    await find("log");
    const moved = lines().find((row) => key(row) === 1490)!;
    await fireEvent.click(moved);
    const pane = await find("call-detail");
    expect((await find("call-state")).textContent).toContain("Answered after failover");
    expect(pane.textContent).toContain("Route, 2 attempts, 1 skipped");
    expect(pane.textContent).toContain("At 10 of 10 requests this minute.");
    expect(pane.textContent).toContain("Key rejected, 401 after 310 ms.");
    // What a provider says is text, never markup.
    expect(pane.textContent).toContain("<b>No auth credentials found</b>");
    expect(screen.getByTestId("call-price").textContent).toContain("$0.25 in");
    expect(screen.getByTestId("call-settings").textContent).toContain("temperature");
    expect(screen.getByTestId("activity-held").getAttribute("aria-pressed")).toBe("true");
    await fireEvent.keyDown(document.body, { key: "j", code: "KeyJ" });
    await waitFor(() => expect(location.hash).toContain("00001489"));
    await fireEvent.keyDown(document.activeElement!, { key: "Escape" });
    await waitFor(() => expect(screen.queryByTestId("call-detail")).toBeNull());
    expect(key(document.activeElement as HTMLElement)).toBe(1489);
    await fireEvent.keyDown(document.activeElement!, { key: "Enter" });
    await find("call-detail");
  });

  it("shows what was sent and answered only when asked, and as text", async () => {
    const engine = await open("#/activity");
    await find("log");
    await fireEvent.click(lines()[0]!);
    const button = await find("call-messages");
    expect(calls(engine, "activity_messages")).toHaveLength(0);
    await fireEvent.click(button);
    expect((await find("call-request")).textContent).toContain("<img src=x>");
    expect(screen.getByTestId("call-answer").textContent).toBe("data: hello");
    expect(document.querySelector("[data-testid=call-request] img")).toBeNull();
    await fireEvent.click(lines()[1]!);
    await waitFor(() => expect(screen.queryByTestId("call-request")).toBeNull());
    await fireEvent.click(await find("call-messages"));
    await waitFor(() => expect(screen.queryByTestId("call-messages")).toBeNull());
    expect(screen.getByTestId("call-unkept").textContent).toContain("Turn on storing");
  });

  it("keeps its filters in the address, across screens and for the next window", async () => {
    const engine = await open("#/activity?is.app=news-digest");
    await find("log");
    expect(lines().every((row) => row.textContent?.includes("news-digest"))).toBe(true);
    await fireEvent.change(screen.getByTestId("activity-lines"), { target: { value: "attempts" } });
    await waitFor(() => expect(calls(engine, "activity").at(-1)?.args["query"]).toMatchObject({ lines: "attempts" }));
    expect(screen.getByTestId("nav-activity").getAttribute("href")).toContain("is.app=news-digest");
    location.hash = "#/overview";
    await find("overview-today").catch(() => undefined);
    expect(screen.getByTestId("nav-activity").getAttribute("href")).toContain("lines=attempts");
    expect(localStorage.getItem("places")).toContain("lines=attempts");
  });

  it("jumps to a moment, and says so until it is cleared", async () => {
    const engine = await open("#/activity");
    await find("log");
    await fireEvent.click(screen.getByTestId("activity-jump"));
    await fireEvent.input(await find("activity-jump-to"), { target: { value: "2025-12-09 10:00" } });
    await fireEvent.click(screen.getByTestId("activity-jump-go"));
    await find("activity-when");
    await waitFor(() => expect(calls(engine, "activity")).toHaveLength(2));
    const span = (calls(engine, "activity")[1]?.args["query"] as { span: { to: number } }).span;
    await waitFor(() => expect(key(lines()[0])).toBe(LINES - Math.ceil((TOP - span.to + 1) / 60_000)));
    await fireEvent.click(screen.getByLabelText("Any time"));
    await waitFor(() => expect(key(lines()[0])).toBe(LINES));
  });

  it("finds a call by its id and a signal by its name", async () => {
    const engine = await open("#/activity");
    const field = await find("activity-search");
    await fireEvent.input(field, { target: { value: line(1400).call } });
    await fireEvent.keyDown(field, { key: "Enter" });
    await find("call-detail");
    await fireEvent.input(field, { target: { value: "eurusd-17" } });
    await fireEvent.keyDown(field, { key: "Enter" });
    await waitFor(() =>
      expect(calls(engine, "activity").at(-1)?.args["query"]).toMatchObject({
        conditions: [{ field: "signal", relation: "is", values: ["eurusd-17"] }],
      }),
    );
  });

  it("says what is missing, and what hides the rest", async () => {
    await open("#/activity", "empty");
    expect((await find("activity-empty")).textContent).toContain("Connect a bot");
    await shut();
    await open("#/activity?is.app=nobody");
    expect((await find("activity-none")).textContent).toContain("Clear filters");
  });

  it("shows what is on its way at its head, and lets it stand still while the log is held", async () => {
    const engine = await open("#/activity");
    await find("log");
    expect(screen.queryByTestId("running")).toBeNull();
    engine.running.push(onItsWay(LINES + 1), onItsWay(LINES + 2, { is_streamed: false }));
    engine.changed("running");
    await waitFor(() => expect(screen.getAllByTestId("running")).toHaveLength(2));
    expect(screen.getAllByTestId("running-state").map(({ textContent }) => textContent)).toEqual([
      "Streaming",
      "In flight",
    ]);
    expect(screen.getAllByTestId("running")[0]!.textContent).toContain("gpt-4.1");
    // The first ends: it is a line now, and no longer on its way, even before that is looked at again.
    engine.logged.push(line(LINES + 1));
    engine.changed("usage");
    await waitFor(() => expect(key(lines()[0])).toBe(LINES + 1));
    expect(screen.getAllByTestId("running")).toHaveLength(1);
    await scrollTo(20 * 28);
    engine.running.length = 0;
    engine.running.push(onItsWay(LINES + 3));
    engine.changed("running");
    await waitFor(() => expect(screen.getByTestId("running-state").textContent).toBe("Ended"));
    expect(screen.getAllByTestId("running")).toHaveLength(1);
    await fireEvent.click(screen.getByTestId("activity-live"));
    await waitFor(() => expect(screen.getByTestId("running-state").textContent).toBe("Streaming"));
  });

  it("tells how many more are on the way than it shows", async () => {
    const engine = await open("#/activity");
    engine.running.push(...Array.from({ length: 9 }, (_, at) => onItsWay(LINES + 1 + at)));
    engine.changed("running");
    expect((await find("running-more")).textContent).toBe("3 more requests on the way");
    expect(screen.getAllByTestId("running")).toHaveLength(6);
  });

  it("follows what other processes enter, of which no event tells", async () => {
    const engine = await open("#/activity");
    await find("log");
    engine.logged.push(line(LINES + 1));
    await waitFor(() => expect(key(lines()[0])).toBe(LINES + 1), { timeout: 4000 });
  });

  it("writes what its filters let through into a file", async () => {
    const engine = await open("#/activity?is.app=news-digest&lines=attempts");
    await find("log");
    await fireEvent.click(screen.getByTestId("activity-export"));
    await fireEvent.click(await find("export-parquet"));
    await waitFor(() => expect(calls(engine, "activity_export")).toHaveLength(1));
    expect(calls(engine, "activity_export")[0]?.args).toMatchObject({
      format: "parquet",
      query: { conditions: [{ field: "app", relation: "is", values: ["news-digest"] }], lines: "attempts" },
    });
    expect(await screen.findByText(/1,500 attempts are in .*activity\.parquet/)).toBeTruthy();
    await shut();
    await open("#/activity?is.app=nobody");
    await find("activity-none");
    await fireEvent.click(screen.getByTestId("activity-export"));
    expect((await find("export-csv")).hasAttribute("disabled")).toBe(true);
  });

  it("shows the columns that are chosen, for the next start too", async () => {
    const engine = await open("#/activity");
    await find("log");
    const heads = () => screen.getAllByRole("columnheader").map(({ textContent }) => textContent);
    expect(heads()).toEqual(["Time", "Status", "App", "Model", "Connection", "Tokens", "Took", "Cost"]);
    await fireEvent.click(screen.getByTestId("activity-columns"));
    const app = await find("column-app");
    expect(app.getAttribute("aria-checked")).toBe("true");
    await fireEvent.click(app);
    await fireEvent.click(screen.getByTestId("column-tokens"));
    await fireEvent.click(screen.getByTestId("column-feature"));
    await waitFor(() => expect(heads()).toEqual(["Time", "Status", "Feature", "Model", "Connection", "Took", "Cost"]));
    expect(lines()[0]!.textContent).toContain("signal_parsing");
    expect(calls(engine, "set_preferences").at(-1)?.args["preferences"]).toMatchObject({
      log_columns: ["feature", "model", "connection", "took"],
    });
  });

  it("tells what is left of the budgets that a request counts against", async () => {
    await open("#/activity");
    await find("log");
    await fireEvent.click(lines()[0]!);
    const left = await find("call-budgets");
    expect(left.textContent).toContain("$5.72 of $12.00 today, all traffic");
    expect(left.textContent).toContain("$3.88 of $7.00 today, connection conn_openai_main");
  });

  it("looks closer at a span of its bars", async () => {
    const engine = await open("#/activity");
    const bars = await find("activity-bars-chart");
    await waitFor(() => expect(bars.querySelector("[data-slot]")).not.toBeNull());
    expect(calls(engine, "activity_tempo")[0]?.args["query"]).toMatchObject({ span: { kind: "any" } });
  });
});
