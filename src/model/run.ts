import type { JsonValue } from "./json.js";
import type { ErrorCode } from "./error-codes.js";
import type { ErrorDetails } from "./job-error.js";
import type { RunDefinition } from "./job-definition.js";
import type { RunStatus } from "./run-status.js";
import type { CommitId } from "./write-mode.js";

/** One submission of a job, as the ledger holds it. A copy: changing it changes nothing. */
export interface JobRun {
  readonly id: string;
  readonly jobName: string;
  /** Names what was run: equal for equal query, parameters, destination and execution. */
  readonly definitionHash: string;
  readonly definition: RunDefinition;
  /** By name, in key order, in their exact JSON form; a secret shows as `{ "secret": true }`. */
  readonly parameters: Readonly<Record<string, JsonValue>>;
  readonly status: RunStatus;
  /** How many attempts have begun; 0 before the first. */
  readonly attempt: number;
  /** How often the run was taken over from an owner that died. */
  readonly recoveries: number;
  readonly priority: number;
  readonly idempotencyKey: string | null;
  /** The connections that it needs, in lower case and in order: only a worker that has all of them takes it. */
  readonly connections: readonly string[];
  /** The job's `concurrencyKey` with the run's values in it; null: none. */
  readonly concurrencyKey: string | null;
  /** The failed or cancelled run that this one repeats. */
  readonly redriveOf: string | null;
  /** Not to be started before. */
  readonly runAt: Date | null;
  /** Fails with `start_deadline_passed` when no attempt has begun by then. */
  readonly startDeadline: Date | null;
  readonly createdAt: Date;
  /** When the first attempt began. Set once. */
  readonly startedAt: Date | null;
  /** Set once, with the terminal status. */
  readonly finishedAt: Date | null;
  /** Rows in the destination; null until the run succeeded. */
  readonly rowsWritten: number | null;
  readonly snapshotId: string | null;
  /** The last attempt's error; null when it had none. */
  readonly error: RunError | null;
  readonly cancelRequest: CancelRequest | null;
  /** The id under which the current attempt commits; null before the first permit. */
  readonly commitId: CommitId | null;
  readonly lease: Lease | null;
  /** The sequence number of the run's newest event. */
  readonly lastEventSeq: number;
}

export interface CancelRequest {
  readonly at: Date;
  readonly reason: string | null;
}

/** A run that has ended: a union on `status`. */
export type FinishedRun = SucceededRun | FailedRun | CancelledRun;

export type SucceededRun = JobRun & { readonly status: "succeeded"; readonly rowsWritten: number };
export type FailedRun = JobRun & { readonly status: "failed"; readonly error: RunError };
export type CancelledRun = JobRun & { readonly status: "cancelled" };

/** A time-limited right to work on a run. */
export interface Lease {
  readonly owner: string;
  /** Rises with each new owner and fences the old one. */
  readonly epoch: number;
  readonly expiresAt: Date;
}

/** Why an attempt ended badly: plain data, kept in the ledger. */
export interface RunError extends ErrorDetails {
  readonly code: ErrorCode;
  /** The whole chain of causes. */
  readonly message: string;
  readonly hint: string;
  readonly retryable: boolean;
}

/** What a submit hands to the store. The store adds status, times and the first event. */
export interface NewRun {
  readonly id: string;
  readonly jobName: string;
  readonly definitionHash: string;
  readonly definition: RunDefinition;
  readonly parameters: Readonly<Record<string, JsonValue>>;
  readonly priority: number;
  readonly idempotencyKey: string | null;
  readonly connections: readonly string[];
  readonly concurrencyKey: string | null;
  readonly redriveOf: string | null;
  readonly runAt: Date | null;
  readonly startDeadline: Date | null;
}

/** What became of a {@link NewRun}: stored, or the run that its idempotency key names already. */
export interface CreatedRun {
  readonly run: JobRun;
  readonly created: boolean;
}

export interface RunQuery {
  readonly jobName?: string;
  readonly status?: RunStatus | readonly RunStatus[];
  /** At most this many. Default 50, at most 1,000. */
  readonly limit?: number;
  /** `nextCursor` of the page before. */
  readonly cursor?: string;
}

/** Runs, newest first. `nextCursor` is absent on the last page. */
export interface RunPage {
  readonly runs: readonly JobRun[];
  readonly nextCursor?: string;
  /** Runs of this page that cannot be read: somebody changed the ledger by hand. Absent when there is none. */
  readonly unreadable?: readonly UnreadableRun[];
}

export interface UnreadableRun {
  readonly id: string;
  readonly reason: string;
}

/** What became of a wish to cancel; see `docs/run-states.md`. */
export type CancelOutcome = "cancelled" | "requested" | "too_late" | "already_finished" | "unknown_run";
