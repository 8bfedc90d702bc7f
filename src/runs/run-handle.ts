import { JobError } from "../model/job-error.js";
import type { RunEvent } from "../model/run-event.js";
import { isTerminal } from "../model/run-status.js";
import type { CancelOutcome, FinishedRun, JobRun } from "../model/run.js";
import { checkedResultOptions } from "./checked-arguments.js";
import { RunBell, type RunFollowing } from "./run-bell.js";
import type { EventsOptions } from "./run-events.js";
import { withoutSeals } from "./secret-vault.js";

/** One run, as its submitter follows it. It is not a promise: awaiting a submit waits for the ledger, not for the run. */
export interface RunHandle {
  readonly id: string;
  /** Null on a handle made from an id alone: `get()` tells. */
  readonly jobName: string | null;
  /** False: the idempotency key named this run, which was there already. */
  readonly created: boolean;
  /** The run as the ledger has it now; undefined once it was pruned. */
  get(): Promise<JobRun | undefined>;
  /**
   * The log from the first event, or from behind `after`, and then live until the run ends. A ledger that does not answer
   * is asked again for a minute.
   *
   * @throws JobError `unknown_run`, `aborted`, `executor_stopped`, `store_unavailable`.
   */
  events(options?: EventsOptions): AsyncIterable<RunEvent>;
  /**
   * The run once it has ended, whichever way: a union on `status`. A failed run does not reject. A ledger that does not
   * answer is asked again for a minute.
   *
   * @throws JobError `unknown_run`, `aborted`, `executor_stopped`, `store_unavailable`.
   */
  result(options?: ResultOptions): Promise<FinishedRun>;
  /** Asks for the run to be cancelled, and says what became of that. */
  cancel(reason?: string): Promise<CancelOutcome>;
}

/** What a handle stands on. */
export interface RunAccess {
  get(id: string): Promise<JobRun | undefined>;
  events(id: string, options: EventsOptions): AsyncIterable<RunEvent>;
  result(id: string, options: ResultOptions): Promise<FinishedRun>;
  cancel(id: string, reason: string | undefined): Promise<CancelOutcome>;
}

export interface ResultOptions {
  /** Ends the wait by rejecting with `aborted`. The run goes on. */
  readonly signal?: AbortSignal;
}

export function runHandle(id: string, jobName: string | null, created: boolean, access: RunAccess): RunHandle {
  return {
    id,
    jobName,
    created,
    get: () => access.get(id),
    events: (options = {}) => access.events(id, options),
    result: (options = {}) => access.result(id, options),
    cancel: (reason) => access.cancel(id, reason),
  };
}

/** Waits for the end of a run; what happens on the way is not read. */
export async function runResult(id: string, options: ResultOptions, following: RunFollowing): Promise<FinishedRun> {
  const { signal } = checkedResultOptions(options);
  following.mayRead();
  const bell = new RunBell(id, following, signal, (change) => change !== "any" && change !== "pending");
  try {
    for (let seen = false; ; seen = true) {
      bell.hush();
      const run = await bell.asked(() => following.ledger.get(id));
      if (!run) throw unknownRun(id, seen);
      if (isFinished(run)) return { ...run, parameters: withoutSeals(run) };
      await bell.rung();
    }
  } finally {
    bell.close();
  }
}

function unknownRun(runId: string, wasThere: boolean): JobError {
  return new JobError("unknown_run", {
    message: wasThere ? `Run "${runId}" was pruned before it was read.` : `There is no run "${runId}".`,
    hint: wasThere ? "Read results before they are pruned." : "Check the id; a run that was pruned is gone.",
    runId,
  });
}

function isFinished(run: JobRun): run is FinishedRun {
  return isTerminal(run.status);
}
