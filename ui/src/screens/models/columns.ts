/** Columns drop as the list gets narrow: the quickest to miss first. Model, prices and state never do. */
export type Columns = Record<"provider" | "context" | "mix" | "bar" | "can" | "first" | "requests", boolean>;

export function columnsFor(width: number): Columns {
  return {
    provider: width >= 600,
    mix: width >= 680,
    requests: width >= 760,
    context: width >= 840,
    can: width >= 900,
    bar: width >= 980,
    first: width >= 1000,
  };
}
