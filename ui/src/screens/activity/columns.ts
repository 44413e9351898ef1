// Which columns the log shows: those that are wanted, as far as there is room. Pure.
import type { LogColumn } from "../../backend";

export const COLUMNS: { column: LogColumn; label: string }[] = [
  { column: "app", label: "App" },
  { column: "feature", label: "Feature" },
  { column: "model", label: "Model" },
  { column: "connection", label: "Connection" },
  { column: "tokens", label: "Tokens" },
  { column: "took", label: "Took" },
];

/** The order in which room is given, and how many px more each wants; what all others have left is theirs. */
const ROOM: [LogColumn, number][] = [
  ["connection", 0],
  ["took", 40],
  ["app", 60],
  ["model", 120],
  ["tokens", 340],
  ["feature", 120],
];

/** Of the wanted columns those that fit, besides what always shows and takes so many px: the last ones drop first. */
export function fitting(wanted: LogColumn[], width: number, always: number): Set<LogColumn> {
  const fit = new Set<LogColumn>();
  let room = width - always;
  for (const [column, px] of ROOM.filter(([one]) => wanted.includes(one))) {
    room -= px;
    if (room < 0) break;
    fit.add(column);
  }
  return fit;
}

/** The columns after one of them was switched, in their order. */
export function switched(shown: LogColumn[], column: LogColumn): LogColumn[] {
  return COLUMNS.map((one) => one.column).filter((one) => shown.includes(one) !== (one === column));
}
