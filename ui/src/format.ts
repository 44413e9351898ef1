// Numbers and times as words. Pure: the clock and the zone are parameters.

const CENTS = 2;
/** Below one cent money keeps four decimals. */
const SMALL = 4;
/** Digits that the cost of one thing is told by. */
const SIGNIFICANT = 3;

/** `"1234.5"` to `$1,234.50`; below a cent `$0.0021`. The decimal text is never turned into a float. */
export function money(decimal: string | null): string {
  if (decimal === null) return "-";
  const { negative, digits, scale } = parse(decimal);
  if (digits === 0n) return "$0.00";
  const small = digits * 100n < 10n ** BigInt(scale);
  const places = small ? SMALL : CENTS;
  const rounded = round(digits, scale, places);
  const sign = negative ? "-" : "";
  if (rounded === 0n) return `${sign}<$0.0001`;
  return `${sign}$${place(rounded, places)}`;
}

/** The cost of one thing, to three significant digits where it is below a dollar: cents would say nothing of `$0.0149`. */
export function unitCost(decimal: string | null): string {
  if (decimal === null) return "-";
  const { negative, digits, scale } = parse(decimal);
  const zeros = scale - digits.toString().length;
  if (digits === 0n || zeros < 0) return money(decimal);
  const places = zeros + SIGNIFICANT;
  return `${negative ? "-" : ""}$${place(round(digits, scale, places), places)}`;
}

/** Every digit, for the cost of a test: `$0.000004`. */
export function moneyInFull(decimal: string | null): string {
  if (decimal === null) return "-";
  const { negative, digits, scale } = parse(decimal);
  if (digits === 0n) return "$0.00";
  const [whole, fraction = ""] = place(digits, scale).split(".");
  const trimmed = fraction.replace(/0+$/, "").padEnd(CENTS, "0");
  return `${negative ? "-" : ""}$${whole}.${trimmed}`;
}

/** The decimal as a number, for the length of a bar only. */
export function magnitude(decimal: string): number {
  const parsed = Number(decimal);
  return Number.isFinite(parsed) ? parsed : 0;
}

/** `1,268`; from a million `3.42 M`. */
export function count(amount: number | null): string {
  if (amount === null) return "-";
  if (amount >= 1_000_000) return `${(amount / 1_000_000).toFixed(2)} M`;
  return group(Math.round(amount).toString());
}

/** `1,840 + 312`: in, then out. */
export function tokens(input: number | null, output: number | null): string {
  if (input === null && output === null) return "-";
  return `${count(input)} + ${count(output)}`;
}

/** `640 ms`, `2.31 s`, `1 min 42 s`. */
export function duration(ms: number | null): string {
  if (ms === null) return "-";
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 99_995) return `${(ms / 1000).toFixed(2)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return span(ms);
}

/** A long time in two units: `6 d 4 h`, `5 h 18 min`, `12 min`. */
export function span(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return `${Math.floor(ms / 1000)} s`;
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Basis points: 9980 is `99.8%`. Only a true hundred is written without a decimal, so 99.99 never claims to be 100. */
export function percent(basisPoints: number | null): string {
  if (basisPoints === null) return "no traffic";
  if (basisPoints >= 10_000) return "100%";
  if (basisPoints <= 0) return "0%";
  return `${Math.min(99.9, Math.round(basisPoints / 10) / 10).toFixed(1)}%`;
}

/** How much more or less, without the sign: `12.3%`; beyond ten times what was before the exact figure says nothing. */
export function changeWords(percent: number, decimals: 0 | 1 = 1): string {
  return percent > 900 ? ">10×" : `${Math.abs(percent).toFixed(decimals)}%`;
}

/** `640 B`, `12 KB`, `218 MB`, `1.4 GB`; of thousands, as file managers tell it. */
export function fileSize(bytes: number): string {
  const units = ["B", "KB", "MB", "GB"];
  const step = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const amount = bytes / 1000 ** step;
  return `${step > 0 && amount < 10 ? amount.toFixed(1) : Math.round(amount)} ${units[step]}`;
}

/** `4 s ago`, `38 min ago`, `3 h ago`, then `Mon 18:20`, then `14 Nov`. */
export function ago(at: number | null, now: number, zone: string): string {
  if (at === null) return "-";
  const seconds = Math.floor((now - at) / 1000);
  if (seconds < 1) return "now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  const parts = calendar(at, zone);
  if (seconds < 6 * 86_400) return `${parts.weekday} ${parts.hour}:${parts.minute}`;
  return day(at, zone);
}

/** `14 Nov` */
export function day(at: number, zone: string): string {
  const parts = calendar(at, zone);
  return `${parts.day} ${parts.month}`;
}

/** `10:42` */
export function clock(at: number, zone: string): string {
  const parts = calendar(at, zone);
  return `${parts.hour}:${parts.minute}`;
}

/** To the second: `10:41:51`, then `Mon 18:20:05`, then `21 Nov 09:00:00`. For logs. */
export function moment(at: number, now: number, zone: string): string {
  const { weekday, hour, minute, second } = calendar(at, zone);
  const time = `${hour}:${minute}:${second}`;
  if (day(at, zone) === day(now, zone) && now - at < 86_400_000) return time;
  return now - at < 6 * 86_400_000 ? `${weekday} ${time}` : `${day(at, zone)} ${time}`;
}

/** The same in the room of twelve figures: after some days, to the minute. */
export function shortMoment(at: number, now: number, zone: string): string {
  const told = moment(at, now, zone);
  return told.length > 12 ? told.slice(0, -":00".length) : told;
}

/** `Tue 9 Dec, 10:42 EST`: for hovers, detail panes and the clock of the status bar. */
export function absolute(at: number | null, zone: string): string {
  if (at === null) return "-";
  const parts = calendar(at, zone);
  return `${parts.weekday} ${parts.day} ${parts.month}, ${parts.hour}:${parts.minute} ${parts.timeZoneName}`;
}

/** `1 connection`, `3 connections` */
export function plural(amount: number, one: string, many = `${one}s`): string {
  return `${count(amount)} ${amount === 1 ? one : many}`;
}

type Calendar = Record<"weekday" | "day" | "month" | "hour" | "minute" | "second" | "timeZoneName", string>;
const calendars = new Map<string, Intl.DateTimeFormat>();

function calendar(at: number, zone: string): Calendar {
  let format = calendars.get(zone);
  if (!format) {
    format = dateFormat(zone);
    calendars.set(zone, format);
  }
  return Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value])) as Calendar;
}

function dateFormat(zone: string): Intl.DateTimeFormat {
  const fields: Intl.DateTimeFormatOptions = {
    weekday: "short",
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
    timeZoneName: "short",
  };
  try {
    return new Intl.DateTimeFormat("en-US", zone ? { ...fields, timeZone: zone } : fields);
  } catch {
    // A zone this engine does not know must not take the screen down with it.
    return new Intl.DateTimeFormat("en-US", fields);
  }
}

function parse(decimal: string): { negative: boolean; digits: bigint; scale: number } {
  const match = /^(-?)(\d*)(?:\.(\d*))?$/.exec(decimal.trim());
  if (!match) return { negative: false, digits: 0n, scale: 0 };
  const [, sign, whole = "", fraction = ""] = match;
  return { negative: sign === "-", digits: BigInt(`${whole}${fraction}` || "0"), scale: fraction.length };
}

function round(digits: bigint, scale: number, places: number): bigint {
  if (scale <= places) return digits * 10n ** BigInt(places - scale);
  const unit = 10n ** BigInt(scale - places);
  return (digits + unit / 2n) / unit;
}

function place(digits: bigint, places: number): string {
  const text = digits.toString().padStart(places + 1, "0");
  const whole = group(text.slice(0, text.length - places));
  return places ? `${whole}.${text.slice(text.length - places)}` : whole;
}

function group(whole: string): string {
  return whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}
