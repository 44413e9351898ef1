// Days of a calendar as moments. Pure: the zone is a parameter, "" is the system's.

/** The moment at which a day (2026-11-30) begins in a zone; null if it is no day. */
export function startOfDay(iso: string, zone: string): number | null {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(iso.trim());
  if (!match) return null;
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number];
  const midnight = Date.UTC(year, month - 1, day);
  if (new Date(midnight).getUTCDate() !== day || month > 12) return null;
  // Twice: the offset at the first guess may be that of the other side of a change of the clocks.
  const guess = midnight - offset(midnight, zone);
  return midnight - offset(guess, zone);
}

/** The moment at which a day ends in a zone: when the next one begins. */
export function endOfDay(iso: string, zone: string): number | null {
  if (startOfDay(iso, zone) === null) return null;
  const next = new Date(Date.parse(`${iso.trim()}T00:00:00Z`) + 86_400_000);
  return startOfDay(next.toISOString().slice(0, 10), zone);
}

/** The day of a moment in a zone: 2026-11-30. */
export function isoDay(at: number, zone: string): string {
  return new Date(at + offset(at, zone)).toISOString().slice(0, 10);
}

/** How far the zone's clocks are ahead of UTC, in ms. */
function offset(at: number, zone: string): number {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone || undefined,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const shown = Date.UTC(
    parts["year"] ?? 0,
    (parts["month"] ?? 1) - 1,
    parts["day"],
    parts["hour"],
    parts["minute"],
    parts["second"],
  );
  return shown - Math.floor(at / 1000) * 1000;
}
