import { describe, expect, it } from "vitest";
import { startOfDay } from "../../src/days";
import { partOf, scrollFor } from "../../src/kit/windowing";
import { columnsFor } from "../../src/screens/models/columns";
import { targetOf } from "../../src/screens/models/play";
import { dateProblem, draftOf, EMPTY, hasProblem, linesOf, problemsOf } from "../../src/screens/models/price-draft";
import { problemsOf as providerProblems } from "../../src/screens/models/provider-draft";
import { direction, filtersOf, itemOf, queryOf, sortedBy } from "../../src/screens/models/query";
import { contextSize, dayOf, price, providerState, reachState, syncTrouble } from "../../src/screens/models/words";
import type { ProviderCard, SyncReport } from "../../src/backend";
import { connections } from "../fixtures/connections";
import { providers } from "../fixtures/providers";
import { model } from "../fixtures/models";

describe("prices in words", () => {
  it.each([
    ["0.25", "$0.25"],
    ["0.075", "$0.075"],
    ["10", "$10.00"],
    ["0", "free"],
    ["0.000", "free"],
    [null, "-"],
  ])("%s is %s", (decimal, words) => expect(price(decimal)).toBe(words));

  it.each([
    [400_000, "400K"],
    [131_072, "131K"],
    [1_048_576, "1.05M"],
    [2_000_000, "2M"],
    [512, "512"],
    [null, "-"],
  ])("a context of %s is %s", (tokens, words) => expect(contextSize(tokens)).toBe(words));

  it("a day is the same in every zone", () => {
    expect(dayOf("2026-11-30")).toBe("30 Nov 2026");
    expect(dayOf("soon")).toBe("soon");
  });
});

describe("states", () => {
  it("a day of the end comes before Ready, and what is gone is gone", () => {
    const ends = { state: "deprecated" as const, retires_on: "2027-04-14" };
    expect(reachState(model("openai", "a", ends)).text).toBe("Ends 14 Apr");
    expect(reachState(model("openai", "a", { ...ends, reach: "failing" })).text).toBe("Failing");
    expect(reachState(model("openai", "a", { state: "unavailable", reach: "gone" })).text).toBe("Gone");
  });

  it.each([
    ["openai", {}, "Healthy"],
    ["gemini", {}, "1 limited"],
    ["openrouter", {}, "Failing"],
    ["groq", {}, "Untested"],
    ["mistral", {}, "Off"],
    ["together", {}, "Not connected"],
    ["openai", { status: "deprecated" }, "Deprecated"],
    ["openrouter", { status: "deprecated" }, "Failing"],
    ["openrouter", { status: "maintenance" }, "Maintenance"],
  ] as const)("%s with %o is %s", (slug, change, word) => {
    const provider = { ...providers[0]!, slug, ...change };
    const own = connections.filter((one) => one.provider === slug).length;
    const card = { provider, connections: own } as ProviderCard;
    expect(providerState(card, connections)?.text).toBe(word);
    if (own > 0 && !("status" in change)) expect(providerState(card, [])).toBeNull();
  });

  it("a list that failed says so and why, one that was read says nothing", () => {
    const report = { provider_name: "OpenAI", outcome: "failed", asked: [] } as unknown as SyncReport;
    expect(syncTrouble(report)).toBe("The list of OpenAI was not read, so its models stay as they were.");
    expect(syncTrouble({ ...report, outcome: "empty" })).toContain("named no model");
    expect(syncTrouble({ ...report, outcome: "done" })).toBe("");
  });
});

describe("the address", () => {
  it("is a query, and unknown values are neutral", () => {
    const filters = filtersOf({
      q: " gpt ",
      provider: "*",
      price: "3",
      can: "tools,flying",
      show: "gone",
      sort: "mix",
    });
    expect(queryOf(filters)).toMatchObject({
      text: "gpt",
      provider: null,
      scope: "everything",
      max_input: "3",
      capabilities: ["tools"],
      state: "unavailable",
      sort: "mix",
    });
    expect(queryOf(filtersOf({ provider: "openai", price: "7", sort: "?" }))).toMatchObject({
      provider: "openai",
      max_input: null,
      sort: "requests",
    });
    expect(queryOf(filtersOf({}))).toMatchObject({ provider: null, scope: "connected" });
  });

  it("sorts, and the second time the other way round", () => {
    const once = filtersOf(sortedBy(filtersOf({}), "input"));
    expect(direction(once, "input")).toBe("ascending");
    const twice = filtersOf(sortedBy(once, "input"));
    expect(direction(twice, "input")).toBe("descending");
    expect(direction(filtersOf({}), "requests")).toBe("descending");
    expect(direction(filtersOf({}), "input")).toBeNull();
  });

  it("names a model by provider and id, or a provider alone", () => {
    expect(itemOf("openrouter/deepseek/deepseek-r1:free")).toEqual({
      provider: "openrouter",
      model: "deepseek/deepseek-r1:free",
    });
    expect(itemOf("openai")).toEqual({ provider: "openai", model: "" });
  });
});

describe("a long list", () => {
  const view = { count: 1200, height: 33, top: 0, visible: 500 };
  it("is drawn in part, a short one whole", () => {
    expect(partOf({ ...view, count: 200 })).toEqual({ from: 0, to: 200 });
    expect(partOf(view)).toEqual({ from: 0, to: 28 });
    const middle = partOf({ ...view, top: 600 * 33 });
    expect(middle.from).toBeLessThan(600);
    expect(middle.to).toBeGreaterThan(616);
    expect(partOf({ ...view, top: 1e9 }).to).toBe(1200);
  });
  it("scrolls just so far that a row stands whole below the heading", () => {
    expect(scrollFor(3, view, 28)).toBe(0);
    expect(scrollFor(20, view, 28)).toBe(21 * 33 - 472);
    expect(scrollFor(2, { ...view, top: 990 }, 28)).toBe(66);
  });
  it("drops columns, never names, prices and state", () => {
    expect(Object.values(columnsFor(500)).some(Boolean)).toBe(false);
    expect(Object.values(columnsFor(1084)).every(Boolean)).toBe(true);
  });
});

describe("days", () => {
  it.each([
    ["2026-12-01", "America/New_York", Date.UTC(2026, 11, 1, 5)],
    ["2026-07-01", "America/New_York", Date.UTC(2026, 6, 1, 4)],
    ["2026-11-01", "America/New_York", Date.UTC(2026, 10, 1, 4)],
    ["2026-11-02", "America/New_York", Date.UTC(2026, 10, 2, 5)],
    ["2026-03-29", "Europe/Berlin", Date.UTC(2026, 2, 28, 23)],
    ["2026-01-01", "Asia/Kathmandu", Date.UTC(2025, 11, 31, 18, 15)],
  ])("%s in %s", (day, zone, at) => expect(startOfDay(day, zone)).toBe(at));

  it("that do not exist are none", () => {
    for (const day of ["2026-02-30", "2026-13-01", "1 Dec", "", "2026-1-1"]) expect(startOfDay(day, "UTC")).toBeNull();
  });
});

describe("a price of one's own", () => {
  const line = { ...EMPTY, input: "0.15", output: "0.60" };

  it("wants input and output, in dollars", () => {
    expect(problemsOf(line, 0, undefined)).toEqual({});
    expect(Object.keys(problemsOf(EMPTY, 0, undefined))).toEqual(["input", "output"]);
    for (const wrong of ["-1", "1e3", "free", "1.2.3", "0.0000000001"]) {
      expect(hasProblem([{ ...line, cached: wrong }]), wrong).toBe(true);
    }
    expect(hasProblem([{ ...line, input: "$0,15" }])).toBe(false);
  });

  it("has tiers that grow", () => {
    const tier = { ...line, above: "200000" };
    expect(hasProblem([line, tier])).toBe(false);
    expect(problemsOf({ ...tier, above: "" }, 1, line).above).toBeTruthy();
    expect(problemsOf({ ...tier, above: "100000" }, 2, tier).above).toBe("Above the line before");
  });

  it("goes out as decimals, and comes back as lines", () => {
    const draft = draftOf("openai", "x", [{ ...line, cached: "$0.05" }], "", "UTC");
    expect(draft.effective_from).toBeNull();
    expect(draft.tiers).toEqual([
      { above_tokens: null, input: "0.15", output: "0.60", cached: "0.05", cache_write: null },
    ]);
    const version = { source: "user" as const, effective_from: 1, in_effect: true, tiers: draft.tiers };
    expect(linesOf([version])).toEqual([{ ...line, cached: "0.05" }]);
    expect(linesOf([])).toEqual([EMPTY]);
    expect(dateProblem("", "UTC")).toBe("");
    expect(dateProblem("tomorrow", "UTC")).toContain("A day like");
  });
});

describe("small rules", () => {
  it("a provider of one's own needs a name and a real URL", () => {
    const typed = {
      name: "",
      protocol: "openai" as const,
      baseUrl: "ftp://x",
      key: "none" as const,
      defaultModel: "",
      models: "",
    };
    expect(Object.keys(providerProblems(typed))).toEqual(["name", "baseUrl"]);
    expect(providerProblems({ ...typed, name: "x", baseUrl: "" })).toEqual({});
  });
  it("the playground sends to the first connection that may and is on", () => {
    const offer = { connection: "a", name: "A", allowed: false, on: true, health: "healthy" as const };
    const offers = [
      offer,
      { ...offer, connection: "b", allowed: true, on: false },
      { ...offer, connection: "c", allowed: true },
    ];
    expect(targetOf(model("openai", "gpt-5", { offered_by: offers }))).toBe("c/gpt-5");
    expect(targetOf(model("xai", "grok-4", { offered_by: [] }))).toBe("xai/grok-4");
  });
});
