import type { DataType } from "../model/data-type.js";
import type { JsonValue } from "../model/json.js";
import type { StorageAnswer } from "../model/lossless-storage.js";
import type { Column, TableSchema } from "../model/table-schema.js";
import type { CommitId, CommitReceipt, WriteMode, WriteModeKind } from "../model/write-mode.js";
import type { RowStream } from "./row-stream.js";

/**
 * An all-or-nothing sink for one table.
 *
 * Promise: every reader sees the whole result of a {@link write} or none of it, under error, abort and kill -9 (law 1).
 * A destination stages all rows, asks for the permit, makes them visible in one act that also stores the commit id, and
 * turns the permit into a receipt. Without a permit nothing may become visible. Methods throw; the caller types what
 * they throw. The guide is `docs/guides/write-a-destination.md`, the tests are `jobDestinationContract`.
 */
export interface JobDestination {
  readonly capabilities: DestinationCapabilities;

  /** What the table holds, or null when it is not there. Throws when that cannot be known. */
  schema(signal: AbortSignal): Promise<TableSchema | null>;

  /**
   * What the last committed write with this key left as its state; null when there was none. Only where
   * `capabilities.state` is true. A write that is still under way does not count.
   */
  readState?(key: string, signal: AbortSignal): Promise<JsonValue | null>;

  /**
   * Whether a value of this type can be kept without loss: in `column` of the existing table, or, when `column` is
   * null, in a table that {@link write} would make. Default: only where the types are equal or every value of the one
   * is a value of the other.
   */
  storage?(type: DataType, column: Column | null): StorageAnswer;

  /**
   * The statement by which {@link write} would make the missing table for these columns, for people to read. Absent: tables
   * are not made by one.
   */
  tableDefinition?(schema: TableSchema, mode: WriteMode): string | Promise<string>;

  /**
   * Writes all rows under `request.commitId`, or rejects and leaves nothing. Columns are matched by name. A result
   * without rows is a success, and overwrites. Obeys `request.signal` until the permit is granted; after that the signal
   * no longer aborts, and the commit must be tried.
   */
  write(rows: RowStream, request: WriteRequest): Promise<CommitReceipt>;

  /**
   * What became of a commit whose answer was lost. `never` is a promise: that commit can no longer land, because a fence
   * was planted or its writer is provably gone. What cannot be known is `in_doubt`. Asking again gives the same answer
   * once it is `committed` or `never`.
   */
  settleCommit(commitId: CommitId, signal: AbortSignal): Promise<Settlement>;
}

export interface DestinationCapabilities {
  readonly modes: readonly WriteModeKind[];
  /** Whether `write` can make a missing table, and does so when a job says nothing of it. */
  readonly createsTable: false | "on_request" | "by_default";
  /**
   * How {@link JobDestination.settleCommit} knows. `fenced`: it plants a fence. `lookup`: it can find a commit that
   * landed, not rule out one in flight. `none`: it never knows; such a destination is used with retries off.
   */
  readonly commitFence: "fenced" | "lookup" | "none";
  /** The `dialect` of the engine that can write the rows by itself: {@link RowStream.into}. */
  readonly writtenBy?: string;
  /** Whether a write can store a {@link StateChange} in the same act as its rows. */
  readonly state?: boolean;
  /** The largest result in bytes that one commit may hold; absent when there is no limit but the system's. */
  readonly maxCommitBytes?: number;
}

/** What a write remembers beside its rows, for the next one of the same job. */
export interface StateChange {
  /** Whose state it is: the job's name. */
  readonly key: string;
  /** What `readState` gave when the query was bound; null: nothing. */
  readonly from: JsonValue | null;
  readonly to: JsonValue;
}

export type Settlement =
  | { readonly state: "committed"; readonly receipt: CommitReceipt }
  | { readonly state: "never" }
  | { readonly state: "in_doubt"; readonly reason: string };

export interface WriteRequest {
  readonly commitId: CommitId;
  readonly mode: WriteMode;
  /** The columns of the rows: the same as `rows.schema`. */
  readonly schema: TableSchema;
  readonly createIfMissing: boolean;
  /**
   * Called when all rows are taken, before the permit is asked for: what to store with them. The write is refused with
   * `state_conflict` when what is stored is no longer equal to `from`, and commits nothing: another write came between, and
   * these rows may be in the table already. Undefined: the job has no state.
   */
  readonly state?: () => StateChange;
  /** Aborted on cancel, time-out, stop or a lost lease; never after the permit. */
  readonly signal: AbortSignal;
  /** Rows and bytes taken so far. May be called as often as one likes; the caller thins. */
  readonly onProgress: (rows: number, bytes?: number) => void;
  /**
   * The commit point. Ask when every row is staged and the loop over the rows has ended by itself. Rejects when the run
   * may not commit: then undo everything and pass the rejection on.
   */
  readonly permit: (staged: { readonly rowsStaged: number }) => Promise<CommitPermit>;
}

/** The right to commit, once. */
export interface CommitPermit {
  /** Call when the commit is known to be in the destination: the only way to a receipt. */
  readonly committed: (details?: CommitDetails) => CommitReceipt;
}

export interface CommitDetails {
  readonly snapshotId?: string;
  /**
   * How many of the run's rows are in the table. Default: the rows staged. Fewer only where several had one key and the mode
   * keeps one of them, or where the table had the key and the mode is `insertOnly`.
   */
  readonly rowsWritten?: number;
}
