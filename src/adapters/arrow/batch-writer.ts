import { RecordBatch, type Schema, Struct } from "apache-arrow";
import type { TableSchema } from "../../model/table-schema.js";
import { arrowData } from "./arrow-data.js";
import { arrowSchema } from "./arrow-fields.js";
import type { BatchBytes, ColumnWriter } from "./columns/column-writer.js";
import { columnWriter } from "./columns/column-writers.js";

/** How large batches may become: whoever reads one does so in one go, and holds the event loop for that long. */
export interface WriterLimits {
  /** Default 2,048, which is what DuckDB takes in at once. */
  readonly maxRows?: number;
  /** Default 1 MiB, which the last row may exceed. */
  readonly maxBytes?: number;
}

/**
 * Makes Arrow batches of the rows of a system, a value at a time: each row appends one value, or a null, to every column,
 * row by row or column by column.
 *
 * Every buffer of a batch belongs to the batch alone: it may be transferred. A writer that has thrown is of no more use.
 */
export class BatchWriter {
  /** The schema of the batches: {@link arrowSchema} of the table. */
  readonly schema: Schema;
  /** One for each column: see {@link columnWriter}. */
  readonly columns: readonly ColumnWriter[];
  private readonly rowType: Struct;
  private readonly maxRows: number;
  private readonly maxBytes: number;
  private readonly rowBytes: number;
  private readonly bytes: BatchBytes = { count: 0 };
  #rows = 0;

  /** @throws JobError `unsupported_query`, with `columns`, when a column cannot be moved exactly. */
  constructor(table: TableSchema, limits: WriterLimits = {}) {
    this.schema = arrowSchema(table);
    this.rowType = new Struct(this.schema.fields);
    this.columns = table.columns.map(({ name, type }, index) =>
      columnWriter(type, this.schema.fields[index]!, this.bytes, name),
    );
    this.maxRows = limits.maxRows ?? 2_048;
    this.maxBytes = limits.maxBytes ?? 1024 * 1024;
    this.rowBytes = this.columns.reduce((sum, column) => sum + column.rowBytes, 0);
  }

  /** The rows that were ended since the last batch. */
  get rows(): number {
    return this.#rows;
  }

  /** How many rows more make the batch full, if their bytes do not before. */
  get roomRows(): number {
    return this.maxRows - this.#rows;
  }

  /** Whether the batch has to be taken before another row is begun. */
  get isFull(): boolean {
    return this.#rows >= this.maxRows || this.#rows * this.rowBytes + this.bytes.count >= this.maxBytes;
  }

  /** The writer of a column, which is of this class. */
  column<W extends ColumnWriter>(index: number, kind: WriterClass<W>): W {
    return ofClass(this.columns[index], kind);
  }

  /** @param count so many rows at once, for those who write column by column. */
  endRow(count = 1): void {
    this.#rows += count;
  }

  /** The rows that were ended, none included. */
  take(): RecordBatch {
    const length = this.#rows;
    const children = this.columns.map((column) => column.take());
    if (children.some((column) => column.length !== length))
      throw new RangeError("a column has more rows than another");
    this.#rows = 0;
    this.bytes.count = 0;
    return new RecordBatch(this.schema, arrowData(this.rowType, { length, nullCount: 0 }, { children }));
  }
}

/** A class of column writers, however it is made. */
export type WriterClass<W extends ColumnWriter> = abstract new (...parameters: never[]) => W;

/** A writer as one of this class. */
export function ofClass<W extends ColumnWriter>(writer: ColumnWriter | undefined, kind: WriterClass<W>): W {
  if (writer instanceof kind) return writer;
  throw new TypeError(`the column is written by ${writer?.constructor.name ?? "nothing"} and not by ${kind.name}`);
}
