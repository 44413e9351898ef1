// From "14:05" or "2026-11-20 14:05" in a zone to a moment. Pure.

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

/** What the clock on the wall of a zone shows, as if it were UTC. */
function toWall(at: number, zone: string): number {
  // This locale writes moments as 2026-11-30 14:05:09.
  const text = new Date(at).toLocaleString("sv-SE", zone ? { timeZone: zone } : {});
  return Date.parse(`${text.replace(" ", "T")}Z`);
}

function fromWall(wall: number, zone: string): number {
  const guess = wall - (toWall(wall, zone) - wall);
  // Once more: the offset there may be another one.
  return guess - (toWall(guess, zone) - wall);
}
