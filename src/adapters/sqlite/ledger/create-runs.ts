import { newRunRecord, runIdTaken } from "../../../model/run-record.js";
import type { CreatedRun, NewRun } from "../../../model/run.js";
import type { RunStorage } from "./run-storage.js";

/** Stores runs, or finds those that their idempotency keys name. Called within a write transaction; throws for an id that is taken. */
export function createRuns(storage: RunStorage, runs: readonly NewRun[], now: number): readonly CreatedRun[] {
  return runs.map((run) => {
    const known = storage.byIdempotencyKey(run.idempotencyKey);
    if (known) return { run: known.record.run, created: false };
    const step = newRunRecord(run, now);
    if (!storage.add(step, now)) throw runIdTaken(run.id);
    return { run: step.record.run, created: true };
  });
}
