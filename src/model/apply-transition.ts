import type { RunTransition } from "./run-change.js";
import type { RunEventBody } from "./run-event.js";
import { nextRecord, type RunPatch, type RunRecord, type RunStep } from "./run-record.js";
import { isTerminal, mayMove } from "./run-status.js";
import type { JobRun } from "./run.js";

type Refusal = "lease_lost" | "wrong_status" | "cancel_requested";

/** What a `JobStore.transition` makes of a run: its next record, or why it stays as it is. */
export function applyTransition(
  record: RunRecord,
  change: RunTransition,
  events: readonly RunEventBody[],
  now: number,
): RunStep | Refusal {
  return refusalOf(record.run, change) ?? nextRecord(record, patchOf(record.run, change, now), events, now);
}

// A fenced owner is told so first: whatever it believes of the status is no longer its business.
function refusalOf(run: JobRun, { from, to, epoch, unlessCancelRequested }: RunTransition): Refusal | undefined {
  if (run.lease !== null && run.lease.epoch !== epoch) return "lease_lost";
  if (run.status !== from || !mayMove(from, to) || to === "running") return "wrong_status";
  if (unlessCancelRequested === true && run.cancelRequest !== null) return "cancel_requested";
  return undefined;
}

function patchOf(run: JobRun, change: RunTransition, now: number): RunPatch {
  const { to, commitId, rowsWritten, snapshotId, error, delayMs, renewLeaseMs } = change;
  const ends = isTerminal(to);
  const waits = to === "pending";
  return {
    status: to,
    ...(commitId !== undefined && { commitId }),
    ...(rowsWritten !== undefined && { rowsWritten }),
    ...(snapshotId !== undefined && { snapshotId }),
    ...(error !== undefined && { error }),
    ...(change.countRecovery === true && { recoveries: run.recoveries + 1 }),
    ...(waits && change.uncountAttempt === true && { attempt: Math.max(0, run.attempt - 1) }),
    ...(waits && delayMs !== undefined && { runAt: new Date(now + delayMs) }),
    ...(ends && { finishedAt: new Date(now) }),
    ...((ends || waits) && { lease: null }),
    ...(!ends && !waits && renewLeaseMs !== undefined && renewed(run, renewLeaseMs, now)),
  };
}

function renewed({ lease }: JobRun, leaseMs: number, now: number): RunPatch {
  return lease === null ? {} : { lease: { ...lease, expiresAt: new Date(now + leaseMs) } };
}
