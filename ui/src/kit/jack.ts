/** How a stop of a patch line is drawn. */
export type JackState = "ok" | "warn" | "bad" | "next" | "skip" | "now";
