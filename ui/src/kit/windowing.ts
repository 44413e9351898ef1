// Which rows of a long list are drawn. Pure.

/** Shorter lists are drawn whole. */
const WHOLE = 200;
/** Rows drawn beyond each edge, so that a fast wheel does not show gaps. */
const SPARE = 12;

export type View = { count: number; height: number; top: number; visible: number; whole?: number };
export type Part = { from: number; to: number };

/** Rows `from` up to but without `to`. */
export function partOf({ count, height, top, visible, whole = WHOLE }: View): Part {
  if (count <= whole || height <= 0) return { from: 0, to: count };
  const first = Math.floor(Math.max(0, top) / height);
  const shown = Math.ceil(visible / height);
  const from = Math.min(Math.max(0, first - SPARE), Math.max(0, count - shown - SPARE));
  return { from, to: Math.min(count, first + shown + SPARE) };
}

/** Where to scroll so that a row stands whole below the heading; the place itself if it does already. */
export function scrollFor(at: number, { height, top, visible }: View, heading: number): number {
  const place = at * height;
  if (place < top) return place;
  const room = visible - heading;
  return place + height > top + room ? place + height - room : top;
}
