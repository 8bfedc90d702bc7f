import type { DuckDBDataChunk } from "@duckdb/node-api";
import duckdb from "@duckdb/node-bindings";
import { RecordBatch, type Schema, Struct } from "apache-arrow";
import type { TableSchema } from "../../../model/table-schema.js";
import { arrowData } from "../../arrow/arrow-data.js";
import { arrowSchema } from "../../arrow/arrow-fields.js";
import type { ColumnBuilder } from "./columns/column-builder.js";
import { columnBuilder } from "./columns/column-builders.js";
import { DriverCopies } from "./driver-copies.js";

/**
 * How large batches may become. Larger ones than by default are hardly made faster (a tenth from 8,192 rows to 65,536),
 * but whoever reads one does so in one go, and holds the event loop for that long.
 */
export interface BatchLimits {
  /** Default 8,192. */
  readonly maxRows?: number;
  /** Default 2 MiB. A single row that is larger makes a batch by itself. */
  readonly maxBytes?: number;
}

/**
 * Joins the chunks of a DuckDB result, of at most 2,048 rows each, into Arrow batches, column by column.
 *
 * Batches are cut by rows and by bytes, so that neither the memory nor the time that one takes depends on the data, and
 * Arrow's 32-bit offsets cannot overflow. Every buffer of a batch belongs to the batch alone: it may be transferred.
 */
export class BatchBuilder {
  /** The schema of the batches: {@link arrowSchema} of the result. Duplicate names are kept. */
  readonly schema: Schema;
  private readonly columns: readonly ColumnBuilder[];
  private readonly copies = new DriverCopies();
  private readonly rowType: Struct;
  private readonly maxRows: number;
  private readonly maxBytes: number;
  private rows = 0;
  private bytes = 0;

  /** @throws JobError `unsupported_query`, with `columns`, when a column cannot be moved exactly. */
  constructor(schema: TableSchema, limits: BatchLimits = {}) {
    this.schema = arrowSchema(schema);
    this.rowType = new Struct(this.schema.fields);
    this.columns = schema.columns.map(({ name, type }, index) => {
      return columnBuilder(type, this.schema.fields[index]!, name, this.copies);
    });
    this.maxRows = limits.maxRows ?? 8_192;
    this.maxBytes = limits.maxBytes ?? 2 * 1024 * 1024;
  }

  /**
   * Adds the rows of a chunk and yields every batch that becomes full. The chunk is read as the batches are asked for:
   * no other may be added until the generator has ended. After that the chunk is empty.
   */
  *add(chunk: DuckDBDataChunk): Generator<RecordBatch, void, undefined> {
    const { rowCount } = chunk;
    if (rowCount === 0) return;
    // Of the chunk before: what has a single chunk is soon over, and does without.
    this.copies.free();
    this.columns.forEach((column, index) => {
      column.open(duckdb.data_chunk_get_vector(chunk.chunk, index), rowCount, null);
    });
    yield* this.addRange(0, rowCount);
    // Its strings are freed now and not when the garbage collector, which does not see them, finds the chunk.
    duckdb.data_chunk_reset(chunk.chunk);
  }

  /** The rows that are left, as a last batch; null when there are none. */
  finish(): RecordBatch | null {
    return this.rows === 0 ? null : this.cut();
  }

  private *addRange(start: number, count: number): Generator<RecordBatch, void, undefined> {
    const room = this.maxRows - this.rows;
    if (count > room) {
      yield* this.addRange(start, room);
      yield* this.addRange(start + room, count - room);
      return;
    }
    const bytes = this.columns.reduce((sum, column) => sum + column.byteSize(start, count), 0);
    if (bytes > this.maxBytes && count > 1) {
      const half = count >> 1;
      yield* this.addRange(start, half);
      yield* this.addRange(start + half, count - half);
      return;
    }
    if (this.bytes + bytes > this.maxBytes && this.rows > 0) yield this.cut();
    for (const column of this.columns) column.append(start, count);
    this.rows += count;
    this.bytes += bytes;
    if (this.rows >= this.maxRows || this.bytes >= this.maxBytes) yield this.cut();
  }

  private cut(): RecordBatch {
    const children = this.columns.map((column) => column.take());
    const rows = arrowData(this.rowType, { length: this.rows, nullCount: 0 }, { children });
    this.rows = 0;
    this.bytes = 0;
    return new RecordBatch(this.schema, rows);
  }
}
