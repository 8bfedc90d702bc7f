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
   * One moment of the whole system, from which a query reads all its tables. Absent: each scan sees the moment at which it
   * begins. An engine that takes it scans by it, and by no {@link TableSource.scan} of this connection.
   */
  snapshot?(signal: AbortSignal): Promise<ConnectionSnapshot>;
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

/** Its scans come one after another. */
export interface ConnectionSnapshot {
  /** As {@link TableSource.scan}, of the table that `source` finds by this name. */
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
  /** `single`: the connection itself is the table. `named`: tables are named behind a dot. */
  readonly tables: "single" | "named";
  /**
   * Names a resource that two parts must not share, such as the real path of a file with a single writer. A ledger and a
   * connection with the same resource are refused at start.
   */
  readonly resource?: string;
}
