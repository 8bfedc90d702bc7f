import type { Vector } from "@duckdb/node-bindings";
import type { Data } from "apache-arrow";
import type { Bitmap } from "../../../arrow/bitmap.js";

/**
 * Builds one Arrow column, or one child of a nested one, from ranges of DuckDB vectors.
 *
 * A vector is opened once and then taken in ranges, so that a batch can end inside a chunk and so that lists can take
 * just the items that they refer to. Nothing is ever read of a null row: DuckDB leaves there what lay in its memory.
 */
export interface ColumnBuilder {
  /** Opens a vector of `count` rows. A row that is clear in `mask` is null whatever the vector says; null: none is. */
  open(vector: Vector, count: number, mask: Bitmap | null): void;
  /** How many bytes a range of the open vector adds, validity left out. */
  byteSize(start: number, count: number): number;
  /** Adds a range of the open vector. */
  append(start: number, count: number): void;
  /** Hands over everything appended, in buffers that nobody else holds, and starts anew. */
  take(): Data;
}
