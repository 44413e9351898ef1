// From "14:05" or "2026-11-20 14:05" in a zone to a moment. Pure.
import { fromWall, toWall } from "../../days";

const WRITTEN = /^(?:(\d{4})-(\d{2})-(\d{2}))?[ T]*(?:(\d{1,2}):(\d{2}))?$/;

/** The moment that a text means; a time without a day is the last one that was. Null where it means none. */
export function momentIn(text: string, zone: string, now: number): number | null {
  const match = WRITTEN.exec(text.trim());
  if (!match || !match[0]) return null;
  const [, year, month, day, hour, minute] = match;
  const clock = [Number(hour ?? 0), Number(minute ?? 0)] as const;
  if (clock[0] > 23 || clock[1] > 59) return null;
  if (year) {
    const wall = Date.UTC(Number(year), Number(month) - 1, Number(day), ...clock);
    const real = new Date(wall).toISOString().slice(0, 10) === `${year}-${month}-${day}`;
    return real ? fromWall(wall, zone) : null;
  }
  const today = Math.floor(toWall(now, zone) / DAY_MS) * DAY_MS;
  const at = fromWall(today + (clock[0] * 60 + clock[1]) * 60_000, zone);
  return at > now ? fromWall(today - DAY_MS + (clock[0] * 60 + clock[1]) * 60_000, zone) : at;
}

const DAY_MS = 86_400_000;
