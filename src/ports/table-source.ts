import type { RecordBatch } from "apache-arrow";
import type { TableSchema } from "../model/table-schema.js";

/**
 * A table that a query may read.
 *
 * Promise: a scan yields every row once, or throws. It reads nothing but this table. An engine takes `relation` when it
 * knows the dialect and `scan` otherwise; a source offers at least one of the two.
 */
export interface TableSource {
  /** Null when the table is not there. */
  schema(signal: AbortSignal): Promise<TableSchema | null>;
  scan?(request: ScanRequest): AsyncIterable<RecordBatch>;
  readonly relation?: EngineRelation;
  /** The rows can never change: an engine may keep what it scanned once. */
  readonly immutable?: boolean;
}

export interface ScanRequest {
  /** The columns wanted, in this order. */
  readonly columns: readonly string[];
  readonly signal: AbortSignal;
}

/** A table in the words of one engine, which then reads it by itself. */
export interface EngineRelation {
  /** The engine's `dialect`. */
  readonly dialect: string;
  /** A FROM item in that dialect, with every value in it already quoted by the adapter that made it. */
  readonly from: string;
  /** Files and folders that reading it touches, as absolute paths; the engine lets the query reach no others (law 13). */
  readonly paths: readonly string[];
  /** A database file that must be attached first. */
  readonly attach?: { readonly path: string; readonly readOnly: boolean };
}
