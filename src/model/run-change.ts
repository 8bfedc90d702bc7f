import type { JobRun, Lease, RunError } from "./run.js";
import type { RunStatus } from "./run-status.js";
import type { CommitId } from "./write-mode.js";

/** Asks a store for runs to work on. */
export interface ClaimRequest {
  /** Names the worker; leases carry it. */
  readonly owner: string;
  readonly limit: number;
  readonly leaseMs: number;
  /** The connections that the worker has, in lower case: runs that need another one are left alone. Absent: all. */
  readonly connections?: readonly string[];
}

/** A wish to cancel that the owner of the run has yet to obey. */
export interface PendingCancel {
  readonly runId: string;
  readonly epoch: number;
  readonly reason: string | null;
}

/**
 * What another process did to the ledger, or may have done. `pending`: there may be something to claim. `cancel`: a
 * running run is to be cancelled. `run`: the run's log grew. `unknown`: something changed, or changes may have been missed.
 */
export type StoreChange =
  { readonly kind: "pending" | "unknown" } | { readonly kind: "cancel" | "run"; readonly runId: string };

export interface LeaseRenewal {
  readonly epoch: number;
  readonly leaseMs: number;
}

export type LeaseState =
  | {
      readonly held: true;
      readonly lease: Lease;
      readonly cancelRequested: boolean;
      readonly cancelReason: string | null;
    }
  | { readonly held: false };

/** A change of status and what goes with it. What is absent stays as it is; null never erases a value. */
export interface RunTransition {
  readonly from: RunStatus;
  /** `running` is refused with `wrong_status`: only a claim starts a run, because only a claim gives a lease. */
  readonly to: RunStatus;
  /** Refused with `lease_lost` when another epoch holds the run. */
  readonly epoch: number;
  /** Refuse with `cancel_requested` when somebody wished to cancel: the commit point asks so. */
  readonly unlessCancelRequested?: boolean;
  /** Prolong the lease by this much; otherwise it stays, and ends with a move to `pending` or a terminal status. */
  readonly renewLeaseMs?: number;
  readonly commitId?: CommitId;
  readonly rowsWritten?: number;
  readonly snapshotId?: string;
  readonly error?: RunError;
  /** For a move to `pending`: not before this long from now. */
  readonly delayMs?: number;
  /** For a move to `pending`: the attempt did not count (`attempt` - 1). */
  readonly uncountAttempt?: boolean;
  /** The owner died: `recoveries` + 1. */
  readonly countRecovery?: boolean;
}

export type TransitionOutcome =
  | { readonly moved: true; readonly run: JobRun }
  | {
      readonly moved: false;
      /** `lease_lost` is told before `wrong_status`; `wrong_status` also answers a move that is not in `RUN_TRANSITIONS`. */
      readonly reason: "unknown_run" | "wrong_status" | "lease_lost" | "cancel_requested";
      /** The run as it is; absent for `unknown_run`. */
      readonly run?: JobRun;
    };
