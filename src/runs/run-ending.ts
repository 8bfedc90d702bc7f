import type { RunEventBody } from "../model/run-event.js";
import type { JobRun, RunError } from "../model/run.js";
import type { CommitReceipt } from "../model/write-mode.js";
import type { Settlement } from "../ports/job-destination.js";
import type { RunTransition, TransitionOutcome } from "../ports/job-store.js";
import { causeChain, JobError } from "../model/job-error.js";
import { mayRetry, retryDelayMs } from "./retry-policy.js";
import { redactorFor, type RunServices } from "./run-services.js";
import { settle } from "./settling.js";
import { FIRST_RETRY_MS, nextRetryMs, pause, withAnswer } from "./waiting.js";

/** How an attempt or a recovery left its run. */
export type EndState = "succeeded" | "failed" | "cancelled" | "retrying" | "handed_back" | "in_doubt" | "lost";

/** No end yet, of any kind. */
export const NO_ENDS: Readonly<Record<EndState, number>> = {
  succeeded: 0,
  failed: 0,
  cancelled: 0,
  retrying: 0,
  handed_back: 0,
  in_doubt: 0,
  lost: 0,
};

/** A run that an owner holds, where it stands, and the epoch that fences the owner. */
export interface HeldRun {
  readonly run: JobRun;
  readonly from: "running" | "committing";
  readonly epoch: number;
}

/** Why the next attempt follows. */
type RetryCause = (RunEventBody & { type: "run.retrying" })["cause"];

/** Brings a held run to the end of an attempt. The only place where runs leave `running` and `committing`. */
export class RunEnding {
  constructor(private readonly services: RunServices) {}

  succeed({ run, epoch }: HeldRun, { rowsWritten, snapshotId }: CommitReceipt): Promise<EndState> {
    const proof = { rowsWritten, ...(snapshotId !== null && { snapshotId }) };
    const event = { type: "run.succeeded", rowsWritten, snapshotId } as const;
    return this.#move(run, { from: "committing", to: "succeeded", epoch, ...proof }, [event], "succeeded");
  }

  /** The attempt failed, and nothing of it can land: the next attempt by policy, or the end. */
  fail(held: HeldRun, error: RunError): Promise<EndState> {
    const { run, from, epoch } = held;
    const { execution } = run.definition;
    if (!mayRetry(execution, run.attempt, error)) {
      return this.#move(run, { from, to: "failed", epoch, error }, [{ type: "run.failed", error }], "failed");
    }
    const delayMs = retryDelayMs(execution.backoff, run.attempt, this.services.ids.random());
    return this.#again(held, { error, delayMs }, "error");
  }

  cancel({ run, from, epoch }: HeldRun, reason: string | null): Promise<EndState> {
    return this.#move(run, { from, to: "cancelled", epoch }, [{ type: "run.cancelled", reason }], "cancelled");
  }

  /** The owner stops: the run waits for another one, and the attempt does not count. */
  handBack(held: HeldRun): Promise<EndState> {
    return this.#again(held, { uncountAttempt: true }, "handed_back");
  }

  /** The owner died, and nothing of its attempt can land: counts as a recovery, not as an attempt. */
  async recover(held: HeldRun): Promise<EndState> {
    const { run } = held;
    if (held.from === "running" && run.cancelRequest) return this.cancel(held, run.cancelRequest.reason);
    if (run.recoveries < run.definition.execution.maxRecoveries) {
      return this.#again(held, { uncountAttempt: true, countRecovery: true }, "recovered");
    }
    const error = redactorFor(this.services, run.id).runError(tooManyRecoveries(run), {
      code: "internal_error",
      hint: "",
    });
    const change = { from: held.from, to: "failed", epoch: held.epoch, error, countRecovery: true } as const;
    return this.#move(run, change, [{ type: "run.failed", error }], "failed");
  }

  /** Another worker has the run, or nobody can prove that it is still ours: what becomes of it is not for us to write. */
  lose({ run, epoch }: Pick<HeldRun, "run" | "epoch">): EndState {
    const { logger, events } = this.services;
    logger.warn("The run is no longer this worker's.", { runId: run.id, epoch });
    events.emit({ type: "run.lease_lost", runId: run.id, epoch });
    return "lost";
  }

  /**
   * The commit's answer was lost: only the destination can tell.
   *
   * @param never what to do when it provably did not and will not land.
   */
  async settle(held: HeldRun, never: () => Promise<EndState>): Promise<EndState> {
    const settlement = await this.ask(held);
    switch (settlement.state) {
      case "committed":
        return this.succeed(held, settlement.receipt);
      case "never":
        return never();
      case "in_doubt":
        return "in_doubt";
    }
  }

  /** What the destination says of the run's commit; doubt is told in an event. */
  async ask(held: HeldRun): Promise<Settlement> {
    const settlement = await settle(held.run, this.services);
    if (settlement.state === "in_doubt") await this.#tellDoubt(held, settlement.reason);
    return settlement;
  }

  async #tellDoubt({ run, epoch }: HeldRun, reason: string): Promise<void> {
    const { ledger, logger } = this.services;
    const commitId = run.commitId ?? run.id;
    logger.warn("A commit is in doubt; it will be settled again.", { runId: run.id, reason });
    try {
      const { lastEventSeq = 0 } = (await ledger.get(run.id)) ?? {};
      const [last] = await ledger.readEvents(run.id, { after: lastEventSeq - 1, limit: 1 });
      if (last?.type === "run.commit_in_doubt" && last.reason === reason) return;
      await ledger.append(run.id, epoch, [{ type: "run.commit_in_doubt", commitId, reason }]);
    } catch (error) {
      logger.warn("A doubt could not be logged.", { runId: run.id, message: causeChain(error) });
    }
  }

  #again(
    { run, from, epoch }: HeldRun,
    change: Pick<RunTransition, "error" | "delayMs" | "uncountAttempt" | "countRecovery">,
    cause: RetryCause,
  ): Promise<EndState> {
    const { error = null } = change;
    // The store dates the next attempt: its clock is the one that the run waits for.
    const event = { type: "run.retrying", cause, error, nextAttemptAt: null } as const;
    // A wish to cancel that was acknowledged must not be lost with the attempt that would have obeyed it.
    const move = { ...change, from, to: "pending", epoch, unlessCancelRequested: from === "running" } as const;
    return this.#move(run, move, [event], cause === "handed_back" ? "handed_back" : "retrying");
  }

  /** Writes the end, again and again while the ledger is out of reach; after a lease's time others recover the run. */
  async #move(run: JobRun, change: RunTransition, events: readonly RunEventBody[], end: EndState): Promise<EndState> {
    const { ledger, clock, leaseMs, logger, stopped } = this.services;
    const giveUpAt = clock.now() + leaseMs;
    for (let waitMs = FIRST_RETRY_MS; ; waitMs = nextRetryMs(waitMs)) {
      try {
        const outcome = await withAnswer(clock, ledger.move(run.id, change, events));
        if (outcome.moved || reached(outcome, change)) return end;
        if (outcome.reason === "lease_lost") return this.lose({ run, epoch: change.epoch });
        if (outcome.reason !== "cancel_requested") return this.#refused(run, change, outcome.reason);
        return await this.cancel(
          { run, from: "running", epoch: change.epoch },
          outcome.run?.cancelRequest?.reason ?? null,
        );
      } catch (error) {
        const message = redactorFor(this.services, run.id).runError(error, {
          code: "store_unavailable",
          hint: "",
        }).message;
        if (stopped.signal.aborted || clock.now() + waitMs >= giveUpAt) {
          logger.error("The ledger is out of reach; the run will be recovered.", { runId: run.id, message });
          return "lost";
        }
        // The dispatcher tells of the outage, once for all runs.
        logger.debug("The ledger is out of reach; trying again.", { runId: run.id, message });
        await pause(clock, waitMs, stopped.signal);
      }
    }
  }

  #refused(run: JobRun, change: RunTransition, reason: string): EndState {
    this.services.logger.warn("The ledger refused the end of an attempt.", { runId: run.id, to: change.to, reason });
    return "lost";
  }
}

// An earlier try of the same move may have been stored although its answer was lost.
function reached(outcome: TransitionOutcome & { moved: false }, change: RunTransition): boolean {
  return outcome.reason === "wrong_status" && outcome.run?.status === change.to && change.to !== "pending";
}

function tooManyRecoveries({ recoveries, definition }: JobRun): JobError {
  return new JobError("too_many_recoveries", {
    message: `The run's worker died ${recoveries + 1} times; maxRecoveries is ${definition.execution.maxRecoveries}.`,
    hint: "Look for what kills the process (memory, native crash) before submitting it again, or raise execution.maxRecoveries.",
  });
}
