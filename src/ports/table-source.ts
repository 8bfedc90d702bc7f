import type { RecordBatch } from "apache-arrow";
import type { RowFilter } from "../model/row-filter.js";
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
  /**
   * What a scan would ask its system for, in that system's words, for previews: a statement, its constants included. Absent:
   * the source reads whole rows, or has no words of its own.
   */
  explain?(wanted: WantedRows, signal: AbortSignal): Promise<string>;
  /** The rows can never change: an engine may keep what it scanned once. */
  readonly immutable?: boolean;
  /**
   * Every batch of a scan is made for who reads it and shares nothing with another one but dictionaries: an engine may free its
   * memory as soon as it has read it.
   */
  readonly givesBatchesAway?: boolean;
}

export interface ScanRequest extends WantedRows {
  readonly signal: AbortSignal;
}

/** What a query needs of a table. */
export interface WantedRows {
  /** The columns wanted, in this order: at least one. */
  readonly columns: readonly string[];
  /**
   * Rows for which one of these does not hold are not needed. The engine filters again, so a source may pass over any of
   * them, or keep more rows than it would; it never leaves a row out for which all of them hold in the engine. A filter may
   * name a column that is not wanted.
   */
  readonly filters?: readonly RowFilter[];
  /** No more rows than this are needed, of those for which every filter holds: who passes over a filter passes over the limit. */
  readonly limit?: number;
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
