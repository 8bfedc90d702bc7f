import type { RunEvent, RunEventBody } from "../model/run-event.js";
import type {
  ClaimRequest,
  LeaseRenewal,
  LeaseState,
  PendingCancel,
  RunTransition,
  StoreChange,
  TransitionOutcome,
} from "../model/run-change.js";
import type { RunStatus } from "../model/run-status.js";
import type { CancelOutcome, CreatedRun, JobRun, NewRun, RunPage, RunQuery } from "../model/run.js";
import type { Clock } from "./clock.js";
import type { Logger } from "./logger.js";
import type { ScheduleStore } from "./schedule-store.js";

export type {
  ClaimRequest,
  LeaseRenewal,
  LeaseState,
  PendingCancel,
  RunTransition,
  StoreChange,
  TransitionOutcome,
} from "../model/run-change.js";

/**
 * The ledger: runs, their leases and their logs.
 *
 * Promise: each method is one atomic act, durable when it resolves (as far as `capabilities.durable` says). A status
 * changes only along `RUN_TRANSITIONS`, by compare-and-set, fenced by the lease epoch, together with its events (law 4).
 * The store stamps every time itself: with the clock it was opened with, or, when processes share it, with the
 * database's. Events of a run are numbered from 1 without gaps. Values go in and come out as copies. A run that cannot be
 * read (an unknown status written by hand) is reported by its id, and never hides the others.
 */
export interface JobStore {
  readonly capabilities: StoreCapabilities;
  readonly isOpen: boolean;
  /** Absent: the ledger keeps no schedules. */
  readonly schedules?: ScheduleStore;
  /**
   * Opens or makes the ledger. Rejects with `store_unavailable` or `store_incompatible`. Opening an open store adds
   * another who has it open, told apart by the context, whose `onChange` also hears what the others do through this store;
   * the first one's clock and logger serve all. Opening twice with one context does nothing; opening after a close opens
   * again.
   */
  open(context: StoreContext): Promise<void>;
  /**
   * Stores `pending` runs, each with its first event, in the order given: all of them or, when it rejects, none. An
   * idempotency key that is known already, from the ledger or from a run before it, gives that run with `created: false`
   * and stores nothing. Rejects with `internal_error` when an id is taken.
   *
   * A `store_unavailable` without `nothingStored` leaves open whether the runs are stored, or will be. The same runs given
   * again tell: what is still under way of the first call ends before the second one is answered.
   */
  createRuns(runs: readonly NewRun[]): Promise<readonly CreatedRun[]>;
  /**
   * As `createRuns`, with a connection of the host's own, and in whatever transaction that is in: the runs exist if and
   * only if the host commits. Answers at once where the driver does. Throws `invalid_definition` for what is no such
   * connection. Absent where the ledger takes none.
   */
  createRunsIn?(transaction: unknown, runs: readonly NewRun[]): readonly CreatedRun[] | Promise<readonly CreatedRun[]>;
  /** Rejects with `store_unavailable` when the run cannot be read. */
  getRun(id: string): Promise<JobRun | undefined>;
  /**
   * Newest first: in the reverse order of their making, also within one instant. Runs that cannot be read are named in
   * `unreadable`. Rejects with `invalid_definition` for a limit, status or cursor that is not one.
   */
  listRuns(query: RunQuery): Promise<RunPage>;
  /**
   * Takes pending runs whose `runAt` has come, whose connections the worker has and whose gates (`gatesOf`) have room,
   * highest priority first and oldest first within one, and moves each to `running`: attempt + 1, epoch + 1, a lease for
   * `owner`, no error. First come the runs whose start deadline passed before any attempt: these move to `failed`, count
   * towards `limit`, and are returned as such.
   */
  claimRuns(claim: ClaimRequest): Promise<readonly JobRun[]>;
  /** Moves at most `limit` pending runs whose start deadline passed before any attempt to `failed`, and returns them. */
  failOverdue(limit: number): Promise<readonly JobRun[]>;
  /** When a pending run next comes due: its `runAt`, or the start deadline of one that never started; undefined: none will. */
  nextDueAt(): Promise<Date | undefined>;
  /**
   * The connections that are not among these and that runs need which could start now, or whose lease expired, in lower
   * case and in order.
   */
  missingConnections(available: readonly string[]): Promise<readonly string[]>;
  /** Prolongs the lease if `epoch` still holds it, and tells of a wish to cancel. */
  renewLease(id: string, renewal: LeaseRenewal): Promise<LeaseState>;
  /** The compare-and-set. Every refusal is a value; nothing is changed by one. */
  transition(id: string, change: RunTransition, events: readonly RunEventBody[]): Promise<TransitionOutcome>;
  /** Adds events without a change of status (progress, doubt). False: `epoch` no longer holds the lease. */
  appendEvents(id: string, epoch: number, events: readonly RunEventBody[]): Promise<boolean>;
  /**
   * In one act: a `pending` run becomes `cancelled`; a `running` one is marked and logged once, and can no longer get a
   * permit; a later one is left alone. The outcome says which.
   */
  requestCancel(id: string, reason: string | null): Promise<CancelOutcome>;
  /** The `running` runs of this owner that somebody wished to cancel. */
  cancelRequests(owner: string): Promise<readonly PendingCancel[]>;
  /**
   * Takes over `running` and `committing` runs whose lease expired or whose owner provably died: epoch + 1, a lease for
   * `owner`, status unchanged. Live runs of others are never touched, nor runs whose connections the worker lacks.
   */
  claimExpired(claim: ClaimRequest): Promise<readonly JobRun[]>;
  /** The events after `after` (0: from the first), in order, at most `limit`. Empty for an unknown run. */
  readEvents(id: string, range: { readonly after: number; readonly limit: number }): Promise<readonly RunEvent[]>;
  /**
   * Deletes at most `limit` terminal runs of these statuses that finished so long ago, oldest first, and returns how many.
   * A run stays while the one is there that it redrives: it is what remembers that this was done.
   */
  pruneRuns(range: PruneRange): Promise<number>;
  /**
   * Ends what is under way and frees everything; what is called afterwards rejects with `store_unavailable`. With the
   * context of one who opened it, the very object, only once all others who did have closed it too. May be called twice.
   */
  close(context?: StoreContext): Promise<void>;
}

export interface StoreContext {
  readonly clock: Clock;
  /** Hears of what no method can answer: a run that a claim must pass over because it cannot be read. */
  readonly logger?: Logger;
  /**
   * Is called, soon, when another process changed the ledger, or somebody else who has this store open. A store that is
   * `shared` and cannot tell never calls it: whoever waits then also asks now and then.
   */
  readonly onChange?: (change: StoreChange) => void;
}

export interface PruneRange {
  /** How long ago they must have finished, by the store's own time: longer than this. */
  readonly olderThanMs: number;
  readonly limit: number;
  /** Default: every terminal status. */
  readonly statuses?: readonly RunStatus[];
}

export interface StoreCapabilities {
  /** Whether other processes may use the same ledger at the same time. */
  readonly shared: boolean;
  /** Whether runs outlive the process. */
  readonly durable: boolean;
  /** As `ConnectionCapabilities.resource`. */
  readonly resource?: string;
}
