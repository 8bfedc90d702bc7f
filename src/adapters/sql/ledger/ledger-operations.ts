import type { EventRow, FullRow, RunRow } from "../ledger-schema.js";
import type { Now, Range, Steps, Submissions, TimedRow, Written } from "./ledger-rows.js";
import type { GateCallColumns } from "./run-gates.js";

export interface Look extends Now {
  /** Whether there is anything for `overdueRuns` and for `wakeRuns`; mostly there is not. */
  readonly overdue: boolean;
  readonly due: boolean;
  /** As `readyLines` gives them. */
  readonly lines: readonly string[];
}

export interface Listed {
  /** The kinds of statuses that are listed, but for those under way. */
  readonly listed: readonly string[];
  /** Null: all, also what somebody wrote there by hand. */
  readonly statuses: readonly string[] | null;
}

/**
 * What a database does for its ledger: each is a statement, or a few, in the order of the calls, whether or not the one
 * before was awaited. Gates are named as the rows hold them.
 */
export interface LedgerOperations {
  /** Locks runs in the order of `ids`, and then says what time it is. */
  lockRuns(given: { readonly ids: readonly string[] }): Promise<readonly TimedRow[]>;
  /** As `lockRuns`, of those under way; what others have locked is left out. */
  lockRunsBySeq(given: { readonly seqs: readonly number[] }): Promise<readonly TimedRow[]>;
  runById(given: { readonly id: string }): Promise<readonly FullRow[]>;
  runsByKey(given: { readonly keys: readonly string[] }): Promise<readonly FullRow[]>;
  takenIds(given: { readonly ids: readonly string[] }): Promise<readonly Pick<RunRow, "id">[]>;

  look(): Promise<Look>;
  overdueRuns(given: {
    readonly before: number;
    readonly limit: number;
    readonly except: readonly number[];
  }): Promise<readonly TimedRow[]>;
  /** Makes runs ready whose time has come. */
  wakeRuns(given: Now & { readonly limit: number }): Promise<unknown>;
  /** Every combination of connections that ready runs need. */
  readyLines(): Promise<readonly Pick<RunRow, "connections">[]>;
  /** The lines of the first runs whose time has come and that no claim has made ready yet. */
  dueLines(given: { readonly limit: number }): Promise<readonly Pick<RunRow, "connections">[]>;
  /** The first ready runs of each line, locked, and then what time it is; what others have locked, others take. */
  readyRuns(given: {
    readonly lines: readonly string[];
    readonly limit: number;
    readonly except: readonly number[];
  }): Promise<readonly TimedRow[]>;
  expiredLeases(): Promise<readonly Pick<RunRow, "seq" | "connections">[]>;

  /** Waits for gates, always in one order. */
  lockGates(given: { readonly names: readonly string[] }): Promise<unknown>;
  /** Takes the gates that are free now. */
  tryGates(given: { readonly names: readonly string[] }): Promise<readonly TriedGate[]>;
  /** How many runs are behind each gate. */
  behindGates(given: { readonly names: readonly string[] }): Promise<readonly CountedGate[]>;
  park(given: { readonly seqs: readonly number[]; readonly lines: readonly string[] }): Promise<unknown>;
  /**
   * Of each line before these gates whose runs have room there, makes the first ones ready again, so many as left; gives
   * one row for each.
   */
  callParked(given: GateCallColumns): Promise<readonly unknown[]>;

  /** Runs, their definitions and first events, in the order given; those whose key is known are left out. */
  insertRuns(given: Submissions): Promise<readonly (Now & Pick<RunRow, "id">)[]>;
  /** Steps: the rows as they are from now on, which this transaction has locked, and what their logs grow by. */
  writeSteps(given: Steps): Promise<readonly Written[]>;
  /** Steps as of `RELATIVE`, which becomes the time of writing; only of runs whose version is still this one. */
  writeKnown(given: Steps & { readonly versions: readonly string[] }): Promise<readonly (Written & Now)[]>;

  cancelRequests(given: {
    readonly owner: string;
  }): Promise<readonly Pick<RunRow, "id" | "epoch" | "cancel_request">[]>;
  nextDue(): Promise<readonly { readonly at: number | null }[]>;
  page(given: Range): Promise<readonly FullRow[]>;
  /** Runs of some kinds, merged; those under way are sorted, being few. */
  pageOfListed(given: Range & Listed): Promise<readonly FullRow[]>;
  pageOfJobListed(given: Range & Listed & { readonly job: string }): Promise<readonly FullRow[]>;
  events(given: { readonly id: string; readonly after: number; readonly limit: number }): Promise<readonly EventRow[]>;

  /** The oldest ends of some kinds; gives one row for each run that is gone. */
  prune(given: {
    readonly statuses: readonly string[];
    readonly olderThanMs: number;
    readonly limit: number;
  }): Promise<readonly unknown[]>;
}

export interface TriedGate {
  readonly name: string;
  readonly held: boolean;
}

export interface CountedGate extends Now {
  readonly name: string;
  readonly behind: number;
}
