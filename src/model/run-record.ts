import { JobError } from "./job-error.js";
import { sortedByKey } from "./json.js";
import type { RunEvent, RunEventBody } from "./run-event.js";
import type { JobRun, NewRun } from "./run.js";

/** A run as a store keeps it. */
export interface RunRecord {
  readonly run: JobRun;
  /** The epoch of the newest lease, which outlives it; 0 before the first. */
  readonly epoch: number;
}

/** What a store writes in one act: the run as it is from now on, and the new entries of its log. */
export interface RunStep {
  readonly record: RunRecord;
  readonly events: readonly RunEvent[];
}

/** What goes from one record to the next. */
export interface RunPatch extends Partial<JobRun> {
  readonly epoch?: number;
}

/** A submission as its first record: `pending`, with its first event. */
export function newRunRecord(run: NewRun, now: number): RunStep {
  // Every field by name: spreading into so large an object takes several times as long.
  const first: JobRun = {
    id: run.id,
    jobName: run.jobName,
    definitionHash: run.definitionHash,
    definition: run.definition,
    parameters: sortedByKey(run.parameters),
    status: "pending",
    attempt: 0,
    recoveries: 0,
    priority: run.priority,
    idempotencyKey: run.idempotencyKey,
    runAt: run.runAt,
    startDeadline: run.startDeadline,
    createdAt: new Date(now),
    startedAt: null,
    finishedAt: null,
    rowsWritten: null,
    snapshotId: null,
    error: null,
    cancelRequest: null,
    commitId: null,
    lease: null,
    lastEventSeq: 0,
  };
  return nextRecord({ run: first, epoch: 0 }, {}, [{ type: "run.pending", jobName: run.jobName }], now, 0);
}

/**
 * The record after this one, its events numbered on and dated.
 *
 * @param attempt the attempt that the events belong to. Default: the one under way before the patch.
 */
export function nextRecord(
  { run, epoch }: RunRecord,
  patch: RunPatch,
  bodies: readonly RunEventBody[],
  now: number,
  attempt: number = run.attempt,
): RunStep {
  const { epoch: nextEpoch = epoch, ...changed } = patch;
  const lastEventSeq = run.lastEventSeq + bodies.length;
  const events = bodies.map((body, index) => {
    return { ...body, runId: run.id, seq: run.lastEventSeq + index + 1, at: new Date(now), attempt };
  });
  return { record: { run: { ...run, ...changed, lastEventSeq }, epoch: nextEpoch }, events };
}

/** What a store answers to a second run of the same id. */
export function runIdTaken(runId: string): JobError {
  return new JobError("internal_error", {
    runId,
    message: `The ledger has a run ${JSON.stringify(runId)} already.`,
    hint: "Run ids come from the IdSource, which must never give the same id twice.",
  });
}
