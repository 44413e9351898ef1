import { describe, expect, it } from "vitest";
import { fromWall, isoDay, toWall } from "../../src/days";
import { fuzzy } from "../../src/frame/fuzzy";
import { everyDays } from "../../src/screens/connections/credentials/words";
import { modelChoices, wholeNumber } from "../../src/screens/connections/fields";
import { baseUrl, snippets } from "../../src/snippets";
import { keyFrom } from "../../src/stores/draft.svelte";
import { merged } from "../../src/stores/stages";
import { stagesOf } from "../fixtures/checks";
import { connections } from "../fixtures/connections";
import { providers } from "../fixtures/providers";

describe("fuzzy", () => {
  it("finds letters in order, words at their start first", () => {
    const match = fuzzy("test op", "Test OpenAI primary");
    expect(match?.pieces.filter(({ hit }) => hit).map(({ text }) => text)).toEqual(["Test", "Op"]);
    expect(fuzzy("xyz", "Test OpenAI primary")).toBeNull();
    expect(fuzzy("", "Anything")?.score).toBe(0);
  });
  it("still matches when a jump to a word's start would overrun", () => {
    expect(fuzzy("aib", "OpenAI backup")).not.toBeNull();
  });
  it("likes what is together and early", () => {
    const score = (text: string) => fuzzy("set", text)?.score ?? -1;
    expect(score("Settings")).toBeGreaterThan(score("Stop everything there"));
  });
});

describe("days", () => {
  it("are those of the zone, near midnight too", () => {
    const at = Date.UTC(2026, 10, 30, 2, 30);
    expect(["UTC", "America/New_York", "Asia/Tokyo"].map((zone) => isoDay(at, zone))).toEqual([
      "2026-11-30",
      "2026-11-29",
      "2026-11-30",
    ]);
    expect(fromWall(toWall(at, "Asia/Kolkata"), "Asia/Kolkata")).toBe(at);
  });
  it("are counted in words", () => {
    expect([1, 90].map(everyDays)).toEqual(["every day", "every 90 days"]);
  });
});

describe("snippets", () => {
  it("carry the gateway's URL with its version exactly once", () => {
    for (const url of ["http://127.0.0.1:4141", "http://127.0.0.1:4141/", "http://127.0.0.1:4141/v1"]) {
      expect(baseUrl(url)).toBe("http://127.0.0.1:4141/v1");
    }
  });
  it("keep the token out of code", () => {
    const samples = snippets("http://127.0.0.1:4141", "conn_a/gpt-5-mini", "pb_live_secret");
    const withToken = samples.filter(({ code }) => code.includes("pb_live_secret")).map(({ id }) => id);
    expect(withToken).toEqual(["env"]);
    expect(samples.every(({ id, code }) => id === "env" || code.includes("conn_a/gpt-5-mini"))).toBe(true);
  });
});

describe("fields", () => {
  it("make a connection key from a name", () => {
    expect(keyFrom("Claude backup")).toBe("conn_claude_backup");
    expect(keyFrom(" Ünï (2) ")).toBe("conn_n_2");
    expect(keyFrom("")).toBe("");
  });
  it("take whole numbers in bounds only", () => {
    expect(wholeNumber("45", 1, 600)).toBe(45);
    for (const text of ["0", "601", "4.5", "-1", "", "4e2"]) expect(wholeNumber(text, 1, 600)).toBeNull();
  });
  it("offer models the test found before those the catalogue knows", () => {
    const [connection] = connections;
    if (!connection) throw new Error("no fixture");
    const choices = modelChoices(connection, providers[0] ?? null);
    expect(new Set(choices.map(({ value }) => value)).size).toBe(choices.length);
    expect(choices[0]?.detail).toBe("found by the test");
  });
  it("keep one report for each stage, in order", () => {
    const stages = stagesOf("passed", null, "host");
    const again = [...stages].reverse().reduce(merged, stages.slice(0, 2));
    expect(again.map(({ stage }) => stage)).toEqual(["dns", "tcp", "tls", "auth", "models", "completion"]);
  });
});
