import { describe, expect, it } from "vitest";
import { connectionState } from "../../src/presentation";
import { filtersOf, grouped, matching, moved, ordinal, sorted } from "../../src/screens/connections/order";
import { connections } from "../fixtures/connections";

const keys = (rows: { key: string }[]) => rows.map(({ key }) => key);
const state = (key: string) => {
  const connection = connections.find((one) => one.key === key);
  return connection && connectionState(connection, connections).text;
};

describe("the state of a connection", () => {
  it.each([
    ["conn_openai_main", "Healthy"],
    ["conn_openai_spare", "Standby"],
    ["conn_gemini_free", "Limited"],
    ["conn_openrouter", "Failing"],
    ["conn_groq_new", "Untested"],
    ["conn_mistral_off", "Off"],
  ])("%s is %s", (key, word) => expect(state(key)).toBe(word));

  it("is no health for the Demo provider before its first call", () => {
    const untried = { ...connections[0]!, demo: true, health: "unknown" as const, last_check: null };
    expect(connectionState(untried, [untried]).text).toBe("Demo");
    expect(connectionState({ ...untried, demo: false }, [untried]).text).toBe("Untested");
  });
});

describe("filters", () => {
  it("come from the address, unknown values are neutral", () => {
    expect(filtersOf({ q: "gem", status: "limited" })).toEqual({
      text: "gem",
      provider: "all",
      status: "limited",
      sort: "priority",
    });
    expect(filtersOf({ status: "purple", sort: "?" })).toMatchObject({ status: "all", sort: "priority" });
  });
  it("match name, key and provider", () => {
    expect(keys(matching(connections, filtersOf({ q: "GEMINI" })))).toEqual(["conn_gemini_paid", "conn_gemini_free"]);
    expect(keys(matching(connections, filtersOf({ status: "failing" })))).toEqual(["conn_openrouter"]);
    expect(keys(matching(connections, filtersOf({ provider: "openai", status: "on" })))).toHaveLength(2);
    expect(matching(connections, filtersOf({ q: "nothing is called this" }))).toEqual([]);
  });
});

describe("order", () => {
  it("groups by provider, each in the order it is tried", () => {
    const [first] = grouped([...connections].reverse().filter(({ provider }) => provider === "openai"));
    expect(keys(first?.rows ?? [])).toEqual(["conn_openai_main", "conn_openai_spare"]);
  });
  it("sorts trouble first by health, and by spend", () => {
    expect(keys(sorted(connections, "health", connections))[0]).toBe("conn_openrouter");
    expect(keys(sorted(connections, "spend", connections))[0]).toBe("conn_openai_main");
  });
  it("moves one key", () => {
    expect(moved(["a", "b", "c"], "c", 0)).toEqual(["c", "a", "b"]);
    expect(moved(["a", "b", "c"], "a", 1)).toEqual(["b", "a", "c"]);
    expect(ordinal(1)).toBe("second");
    expect(ordinal(8)).toBe("number 9");
  });
});
