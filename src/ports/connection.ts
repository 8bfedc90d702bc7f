import type { JobDestination } from "./job-destination.js";
import type { RecordBatch } from "apache-arrow";
import type { ScanRequest, TableSource } from "./table-source.js";

/**
 * A named outside system: the root of a dotted table name.
 *
 * Promise: opens lazily, at its first use; `source` and `destination` are cheap and touch nothing outside; `close` frees
 * whatever it opened and nothing that the host passed in, and may be called twice. No message it throws holds a secret
 * (law 10).
 */
export interface Connection {
  readonly capabilities: ConnectionCapabilities;
  /** The table of this name; `""` asks for the connection's only table. Undefined: the connection has no such name. */
  source?(table: string): TableSource | undefined;
  /**
   * The tables that can be read now, in no order, each once: none that the system or Millrace keep for themselves, and none
   * that `source` finds by no name. Their columns are told by {@link TableSource.schema}. Absent: nobody can tell.
   */
  listTables?(signal: AbortSignal): Promise<readonly TableListing[]>;
  /**
   * One moment of the whole system, from which a query reads all its tables: it begins with the first scan at the latest.
   * Absent: each scan sees the moment at which it begins. An engine that takes it scans by it, and by no
   * {@link TableSource.scan} of this connection.
   *
   * @param tables what will be scanned, by the names that `source` takes, so that nobody changes them until the snapshot is
   *   closed. A name that is not there any more is told by its scan.
   */
  snapshot?(tables: readonly string[], signal: AbortSignal): Promise<ConnectionSnapshot>;
  /** As {@link source}, for writing. Only called when `capabilities.write` is `"transactional"`. */
  destination?(table: string): JobDestination | undefined;
  /** Resolves when the system answers. */
  check(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
  /**
   * Files, and folders (ending in `/`), that reading its relations touches, as absolute paths. An engine that locks itself
   * down when it opens (law 13) lets queries reach no others, so they must be known before any table is named.
   */
  readonly paths?: readonly string[];
  /** What must never appear in a message, event, log or ledger row: passwords and the like. */
  readonly secrets?: readonly string[];
}

/** A table as its connection lists it. */
export interface TableListing {
  /** As {@link Connection.source} takes it; `""`: the connection itself is the table. */
  readonly name: string;
  /** `view`: its rows are those of a query. */
  readonly kind: "table" | "view";
}

/** Its scans come one after another. */
export interface ConnectionSnapshot {
  /** As {@link TableSource.scan}, of one of the tables for which the snapshot was taken. */
  scan(table: string, request: ScanRequest): AsyncIterable<RecordBatch>;
  /** Lets go of the moment. May be called twice. */
  close(): Promise<void>;
}

export interface ConnectionCapabilities {
  /** The system's kind for messages: `sqlite`, `csv`, … */
  readonly kind: string;
  readonly read: boolean;
  /** `read_only`: it could commit, but was not opened for it. `none`: it cannot commit all or nothing at all. */
  readonly write: "transactional" | "read_only" | "none";
  /** What to do instead, when `write` is not `"transactional"`. */
  readonly writeHint?: string;
  /**
   * `single`: the connection itself is the table. `named`: tables are named behind a dot. `qualified`: as `named`, and what
   * stands before the first dot of a name is the schema in which the table lies.
   */
  readonly tables: "single" | "named" | "qualified";
  /**
   * Names a resource that two parts must not share, such as the real path of a file with a single writer. A ledger and a
   * connection with the same resource are refused at start.
   */
  readonly resource?: string;
}
