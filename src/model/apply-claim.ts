import type { ClaimRequest } from "./run-change.js";
import { nextRecord, type RunRecord, type RunStep } from "./run-record.js";
import type { JobRun, Lease, RunError } from "./run.js";

/** Whether a run waits for a time that has not come. */
export function isWaiting({ status, runAt }: JobRun, now: number): boolean {
  return status === "pending" && runAt !== null && runAt.getTime() > now;
}

/** Whether a pending run may no longer start: its deadline passed before any attempt. */
export function isOverdue({ startDeadline, startedAt }: JobRun, now: number): boolean {
  return startDeadline !== null && startedAt === null && startDeadline.getTime() < now;
}

/** What a claim makes of a pending run that it may take: `running` under a new lease, or `failed` when it is overdue. */
export function applyClaim(record: RunRecord, claim: ClaimRequest, now: number): RunStep {
  const { run } = record;
  if (isOverdue(run, now)) return applyOverdue(record, now);
  const lease = newLease(record, claim, now);
  const attempt = run.attempt + 1;
  const at = new Date(now);
  const startedAt = run.startedAt ?? at;
  // `error` is the last attempt's, and this one has none yet; that of the attempt before is in the log.
  const patch = { status: "running", attempt, startedAt, error: null, lease, epoch: lease.epoch } as const;
  return nextRecord(record, patch, [{ type: "run.running", owner: claim.owner }], at, attempt);
}

/** What becomes of a pending run that `isOverdue`: it fails. */
export function applyOverdue(record: RunRecord, now: number): RunStep {
  const at = new Date(now);
  const error = deadlinePassed(record.run);
  const patch = { status: "failed", finishedAt: at, error } as const;
  return nextRecord(record, patch, [{ type: "run.failed", error }], at);
}

/** What a take-over makes of a run whose owner is gone: another lease, the same status. */
export function applyTakeOver(record: RunRecord, claim: ClaimRequest, now: number): RunStep {
  const lease = newLease(record, claim, now);
  return nextRecord(record, { lease, epoch: lease.epoch }, [], new Date(now));
}

function newLease({ epoch }: RunRecord, { owner, leaseMs }: ClaimRequest, now: number): Lease {
  return { owner, epoch: epoch + 1, expiresAt: new Date(now + leaseMs) };
}

function deadlinePassed({ startDeadline }: JobRun): RunError {
  return {
    code: "start_deadline_passed",
    message: `No attempt had begun by the run's start deadline, ${startDeadline?.toISOString() ?? ""}.`,
    hint: "Submit it again with a later startDeadline, or let more runs work at once (maxConcurrentRuns).",
    retryable: false,
  };
}
