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
  const refusal = refusalOf(record.run, change);
  if (refusal !== undefined) return refusal;
  const at = new Date(now);
  return nextRecord(record, patchOf(record.run, change, at), events, at);
}

// A fenced owner is told so first: whatever it believes of the status is no longer its business.
function refusalOf(run: JobRun, { from, to, epoch, unlessCancelRequested }: RunTransition): Refusal | undefined {
  if (run.lease !== null && run.lease.epoch !== epoch) return "lease_lost";
  if (run.status !== from || !mayMove(from, to) || to === "running") return "wrong_status";
  if (unlessCancelRequested === true && run.cancelRequest !== null) return "cancel_requested";
  return undefined;
}

function patchOf(run: JobRun, change: RunTransition, at: Date): RunPatch {
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
    ...(waits && delayMs !== undefined && { runAt: after(at, delayMs) }),
    ...(ends && { finishedAt: at }),
    ...((ends || waits) && { lease: null }),
    ...(!ends && !waits && renewLeaseMs !== undefined && renewed(run, after(at, renewLeaseMs))),
  };
}

function renewed({ lease }: JobRun, expiresAt: Date): RunPatch {
  return lease === null ? {} : { lease: { ...lease, expiresAt } };
}

function after(at: Date, ms: number): Date {
  return new Date(at.getTime() + ms);
}
