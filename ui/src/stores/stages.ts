import type { Stage, StageReport } from "../backend";

/** The order of a test, first to last. */
export const STAGES: Stage[] = ["dns", "tcp", "tls", "auth", "models", "completion"];

/** The list with this stage's newest report in its place. */
export function merged(stages: StageReport[], stage: StageReport): StageReport[] {
  return [...stages.filter((other) => other.stage !== stage.stage), stage].sort(
    (a, b) => STAGES.indexOf(a.stage) - STAGES.indexOf(b.stage),
  );
}
