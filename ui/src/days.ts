// Days of a calendar as moments. Pure: the zone is a parameter, "" is the system's.

/** The moment at which a day (2026-11-30) begins in a zone; null if it is no day. */
export function startOfDay(iso: string, zone: string): number | null {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(iso.trim());
  if (!match) return null;
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number];
  const midnight = Date.UTC(year, month - 1, day);
  if (new Date(midnight).getUTCDate() !== day || month > 12) return null;
  return fromWall(midnight, zone);
}

/** The moment at which a day ends in a zone: when the next one begins. */
export function endOfDay(iso: string, zone: string): number | null {
  if (startOfDay(iso, zone) === null) return null;
  const next = new Date(Date.parse(`${iso.trim()}T00:00:00Z`) + 86_400_000);
  return startOfDay(next.toISOString().slice(0, 10), zone);
}

/** The day of a moment in a zone: 2026-11-30. */
export function isoDay(at: number, zone: string): string {
  return new Date(toWall(at, zone)).toISOString().slice(0, 10);
}

/** What the clock on the wall of a zone shows, to the second, as if it were UTC. */
export function toWall(at: number, zone: string): number {
  const parts = Object.fromEntries(
    clockOf(zone)
      .formatToParts(at)
      .map(({ type, value }) => [type, Number(value)]),
  );
  return Date.UTC(
    parts["year"] ?? 0,
    (parts["month"] ?? 1) - 1,
    parts["day"],
    parts["hour"],
    parts["minute"],
    parts["second"],
  );
}

/** The moment at which the clock on the wall of a zone shows this. */
export function fromWall(wall: number, zone: string): number {
  // Twice: the offset at the first guess may be that of the other side of a change of the clocks.
  const guess = wall - offset(wall, zone);
  return wall - offset(guess, zone);
}

/** How far the zone's clocks are ahead of UTC, in ms. */
const offset = (at: number, zone: string) => toWall(at, zone) - Math.floor(at / 1000) * 1000;

const clocks = new Map<string, Intl.DateTimeFormat>();

function clockOf(zone: string): Intl.DateTimeFormat {
  const known = clocks.get(zone);
  if (known) return known;
  const clock = new Intl.DateTimeFormat("en-US", {
    timeZone: zone || undefined,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  clocks.set(zone, clock);
  return clock;
}
