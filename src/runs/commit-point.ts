import { isJobError } from "../model/job-error.js";
import type { JobRun } from "../model/run.js";
import type { CommitId } from "../model/write-mode.js";
import type { TransitionOutcome } from "../ports/job-store.js";
import type { AttemptControl, Interruption } from "./attempt-control.js";
import type { KeptLease } from "./lease-keeper.js";
import type { RunServices } from "./run-services.js";
import { FIRST_RETRY_MS, nextRetryMs, pause, withAnswer } from "./waiting.js";

/** What the commit point of one attempt stands on. */
interface CommitPoint {
  readonly run: JobRun;
  readonly lease: KeptLease;
  readonly control: AttemptControl;
  readonly services: RunServices;
}

/** What stands against the commit; null: the run is `committing` now. And the run, where the ledger told it. */
export interface CommitAnswer {
  readonly refusal: Interruption | null;
  readonly run: JobRun | undefined;
}

/**
 * Moves a run from `running` to `committing`. While the ledger is out of reach it is asked again, for a lease's time or
 * until the attempt is to be interrupted.
 *
 * @throws what the ledger threw last.
 */
export async function moveToCommitting(
  { run, lease, control, services }: CommitPoint,
  commitId: CommitId,
  rowsStaged: number,
): Promise<CommitAnswer> {
  const { ledger, clock, leaseMs, stopped } = services;
  const { epoch } = lease.holder;
  const move = {
    from: "running",
    to: "committing",
    epoch,
    commitId,
    renewLeaseMs: leaseMs,
    unlessCancelRequested: true,
  } as const;
  const event = { type: "run.committing", commitId, rowsStaged } as const;
  const giveUpAt = clock.now() + leaseMs;
  for (let waitMs = FIRST_RETRY_MS; ; waitMs = nextRetryMs(waitMs)) {
    const askedAt = clock.now();
    try {
      const outcome = await withAnswer(clock, ledger.move(run.id, move, [event]));
      const refusal = refusalOf(outcome, epoch, commitId);
      if (refusal) return { refusal, run: outcome.run };
      lease.proven(askedAt);
      // Paused for longer than the lease, others may have taken the run over since.
      const held = lease.isHeld();
      return { refusal: held === true || (await held) ? null : { kind: "lease_lost" }, run: outcome.run };
    } catch (error) {
      if (isJobError(error) && error.code !== "store_unavailable") throw error;
      if (control.isWaitedFor || clock.now() + waitMs >= giveUpAt) throw error;
      await pause(clock, waitMs, stopped.signal);
      if (!(await lease.isHeld())) return { refusal: { kind: "lease_lost" }, run: undefined };
    }
  }
}

function refusalOf(outcome: TransitionOutcome, epoch: number, commitId: CommitId): Interruption | null {
  if (outcome.moved) return null;
  const { reason, run } = outcome;
  if (reason === "cancel_requested") return { kind: "cancelled", reason: run?.cancelRequest?.reason ?? null };
  // An earlier ask may have been stored although its answer was lost.
  const stored = run?.status === "committing" && run.lease?.epoch === epoch && run.commitId === commitId;
  return stored ? null : { kind: "lease_lost" };
}
