import type { Stage, StageReport } from "../backend";

/** The order of a test, first to last. */
export const STAGES: Stage[] = ["dns", "tcp", "tls", "auth", "models", "completion"];

/** What a test that may spend goes through: the bar shows them while it runs. */
export const PAID_STAGES: Stage[] = [...STAGES, "stream"];

/** Stages that show only where they were begun, in order. */
export const MORE_STAGES: Stage[] = ["stream", "tools", "schema", "embeddings"];

const ORDER = [...STAGES, ...MORE_STAGES];

/** The list with this stage's newest report in its place. */
export function merged(stages: StageReport[], stage: StageReport): StageReport[] {
  return [...stages.filter((other) => other.stage !== stage.stage), stage].sort(
    (a, b) => ORDER.indexOf(a.stage) - ORDER.indexOf(b.stage),
  );
}
