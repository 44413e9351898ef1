import { describe, expect, it } from "vitest";
import * as format from "../../src/format";

const cases = <I, O>(name: string, run: (input: I) => O, table: [I, O][]) =>
  describe(name, () => {
    it.each(table)("%s is %s", (input, expected) => expect(run(input)).toBe(expected));
  });

cases("money", format.money, [
  ["0", "$0.00"],
  ["0.0000", "$0.00"],
  ["1234.56", "$1,234.56"],
  ["1234567.5", "$1,234,567.50"],
  ["6.285", "$6.29"],
  ["0.01", "$0.01"],
  ["0.0021", "$0.0021"],
  ["0.009999", "$0.0100"],
  ["0.00000004", "<$0.0001"],
  ["-0.5", "-$0.50"],
  ["123456789012345678.99", "$123,456,789,012,345,678.99"],
  ["nonsense", "$0.00"],
  [null, "-"],
]);

cases("moneyInFull", format.moneyInFull, [
  ["0.000004", "$0.000004"],
  ["0.10", "$0.10"],
  ["2", "$2.00"],
  ["0", "$0.00"],
]);

cases("count", format.count, [
  [0, "0"],
  [1268, "1,268"],
  [999_999, "999,999"],
  [3_420_000, "3.42 M"],
  [null, "-"],
]);

cases("duration", format.duration, [
  [0, "0 ms"],
  [640, "640 ms"],
  [999.6, "1.00 s"],
  [2310, "2.31 s"],
  [99_994, "99.99 s"],
  [102_000, "1 min 42 s"],
  [null, "-"],
]);

cases("span", format.span, [
  [4_000, "4 s"],
  [12 * 60_000, "12 min"],
  [318 * 60_000, "5 h 18 min"],
  [148 * 3_600_000, "6 d 4 h"],
]);

cases("percent", format.percent, [
  [10_000, "100%"],
  [9_999, "99.9%"],
  [9_980, "99.8%"],
  [6_130, "61.3%"],
  [0, "0%"],
  [null, "no traffic"],
]);

describe("times", () => {
  const zone = "America/New_York";
  const now = Date.UTC(2025, 11, 9, 15, 42);
  const ago = (ms: number) => format.ago(now - ms, now, zone);

  it("are relative for a day, then a weekday, then a date", () => {
    expect(ago(300)).toBe("now");
    expect(ago(4_000)).toBe("4 s ago");
    expect(ago(38 * 60_000)).toBe("38 min ago");
    expect(ago(3 * 3_600_000)).toBe("3 h ago");
    expect(ago(26 * 3_600_000)).toBe("Mon 08:42");
    expect(ago(25 * 86_400_000)).toBe("14 Nov");
    expect(format.ago(null, now, zone)).toBe("-");
  });

  it("are to the second in a log, as far as there is room", () => {
    const at = (ms: number) => [format.moment(now - ms, now, zone), format.shortMoment(now - ms, now, zone)];
    expect(at(4_000)).toEqual(["10:41:56", "10:41:56"]);
    expect(at(26 * 3_600_000)).toEqual(["Mon 08:42:00", "Mon 08:42:00"]);
    expect(at(25 * 86_400_000)).toEqual(["14 Nov 10:42:00", "14 Nov 10:42"]);
  });

  it("are absolute in the trader's zone", () => {
    expect(format.absolute(now, zone)).toBe("Tue 9 Dec, 10:42 EST");
    expect(format.clock(now, "UTC")).toBe("15:42");
    expect(format.day(now, zone)).toBe("9 Dec");
  });

  it("survive a zone this engine does not know", () => {
    expect(format.absolute(now, "Mars/Olympus")).toMatch(/Dec|-/);
  });
});

describe("words", () => {
  it("write tokens as in and out", () => {
    expect(format.tokens(1840, 312)).toBe("1,840 + 312");
    expect(format.tokens(null, null)).toBe("-");
  });
  it("agree with their number", () => {
    expect(format.plural(1, "connection")).toBe("1 connection");
    expect(format.plural(1200, "call")).toBe("1,200 calls");
  });
});

cases("the cost of one thing", format.unitCost, [
  ["0.0149", "$0.0149"],
  ["0.014949", "$0.0149"],
  ["0.000001234", "$0.00000123"],
  ["0.25", "$0.250"],
  ["-0.0021", "-$0.00210"],
  ["1.2345", "$1.23"],
  ["12345.6", "$12,345.60"],
  ["0", "$0.00"],
  ["", "$0.00"],
]);

describe("a change", () => {
  it.each([
    [12.34, 1, "12.3%"],
    [-12.34, 0, "12%"],
    [900, 1, "900.0%"],
    [1369, 0, ">10×"],
  ] as const)("of %d with %d decimals is %s", (percent, decimals, text) =>
    expect(format.changeWords(percent, decimals)).toBe(text),
  );
});
