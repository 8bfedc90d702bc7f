import type { RunTransition } from "./run-change.js";
import type { RunEventBody } from "./run-event.js";
import { nextRecord, type RunPatch, type RunRecord, type RunStep } from "./run-record.js";
import { isTerminal, mayMove } from "./run-status.js";
import type { JobRun, Lease } from "./run.js";

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
  const patch = patchOf(record.run, change, at);
  return nextRecord(record, patch, change.delayMs === undefined ? events : events.map(dated(patch)), at);
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
  // Every field by name: to spread each where there is one takes ten times as long.
  return {
    status: to,
    commitId,
    rowsWritten,
    snapshotId,
    error,
    recoveries: change.countRecovery === true ? run.recoveries + 1 : undefined,
    attempt: waits && change.uncountAttempt === true ? Math.max(0, run.attempt - 1) : undefined,
    runAt: waits && delayMs !== undefined ? after(at, delayMs) : undefined,
    finishedAt: ends ? at : undefined,
    lease: ends || waits ? null : renewed(run, at, renewLeaseMs),
  };
}

function renewed({ lease }: JobRun, at: Date, byMs: number | undefined): Lease | undefined {
  return lease === null || byMs === undefined ? undefined : { ...lease, expiresAt: after(at, byMs) };
}

// The delay begins when the store writes it, by the store's clock.
function dated({ runAt = null }: RunPatch): (event: RunEventBody) => RunEventBody {
  return (event) => (event.type === "run.retrying" ? { ...event, nextAttemptAt: runAt } : event);
}

function after(at: Date, ms: number): Date {
  return new Date(at.getTime() + ms);
}
