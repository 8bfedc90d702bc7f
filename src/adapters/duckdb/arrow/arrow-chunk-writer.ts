import { type DuckDBAppender, DuckDBDataChunk, type DuckDBType } from "@duckdb/node-api";
import duckdb from "@duckdb/node-bindings";
import type { RecordBatch, Schema } from "apache-arrow";
import type { TableSchema } from "../../../model/table-schema.js";
import { tableSchemaOfArrow } from "../../arrow/arrow-fields.js";
import { duckDBTypeOf } from "./duckdb-data-type.js";
import { refuseUnsupportedColumns } from "../../arrow/unsupported-columns.js";
import type { VectorWriter } from "./vectors/vector-writer.js";
import { vectorWriter } from "./vectors/vector-writers.js";

/**
 * Writes Arrow batches of one schema into DuckDB chunks, column by column: our own batches, which come back exactly as
 * they were, and those that users bring.
 *
 * Nothing is rounded, cut or replaced. A value that DuckDB has no place for (an instant that is no whole number of
 * microseconds, a text that is not UTF-8) is a JobError `query_failed` that names the column and not the value; a batch
 * that contradicts itself is a RangeError.
 */
export class ArrowChunkWriter {
  /** What the batches hold. */
  readonly schema: TableSchema;
  /** The DuckDB types of the columns. */
  readonly types: readonly DuckDBType[];
  /** The rows that a chunk can take: 2,048. */
  readonly maxRows: number;
  private readonly writers: readonly VectorWriter[];

  /** @throws JobError `unsupported_query`, with `columns`, when a column cannot be moved exactly. */
  constructor(schema: Schema) {
    this.schema = tableSchemaOfArrow(schema);
    refuseUnsupportedColumns(this.schema);
    this.types = this.schema.columns.map(({ type }) => duckDBTypeOf(type)!);
    this.writers = this.schema.columns.map(({ name, type }, index) => vectorWriter(type, schema.fields[index]!, name));
    this.maxRows = duckdb.vector_size();
  }

  /**
   * Makes rows `start` to `start + count` of a batch the content of a new, or just reset, chunk. At most `maxRows`.
   *
   * @param columns which of the batch's columns the chunk's columns are. Default: all of them.
   */
  write(
    chunk: DuckDBDataChunk,
    batch: RecordBatch,
    start: number,
    count: number,
    columns: readonly number[] = this.types.map((_, index) => index),
  ): void {
    if (!(start >= 0 && start + count <= batch.numRows)) throw new RangeError("The rows are not in the batch.");
    chunk.rowCount = count;
    columns.forEach((column, index) => {
      const data = batch.data.children[column];
      if (data === undefined || data.length < start + count)
        throw new RangeError("A column of the batch is too short.");
      this.writers[column]!(duckdb.data_chunk_get_vector(chunk.chunk, index), data, start, count, null);
    });
  }

  /** Appends a whole batch to a table whose columns are those of the schema. */
  append(appender: DuckDBAppender, batch: RecordBatch): void {
    const chunk = DuckDBDataChunk.create(this.types);
    for (let start = 0; start < batch.numRows; start += this.maxRows) {
      chunk.reset();
      this.write(chunk, batch, start, Math.min(this.maxRows, batch.numRows - start));
      appender.appendDataChunk(chunk);
    }
  }
}
