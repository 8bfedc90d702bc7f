import {
  BufferType,
  Data,
  type DataType as ArrowType,
  type Field,
  RecordBatch,
  RecordBatchFileWriter,
  type Schema,
  Struct,
  Utf8,
} from "apache-arrow";
import { JobError } from "../../../model/job-error.js";
import type { TableSchema } from "../../../model/table-schema.js";
import type { CommitId } from "../../../model/write-mode.js";
import { BufferBin } from "../../arrow/buffer-bin.js";
import { dataTypeOf } from "../lance-types.js";
import { isCommitColumn } from "../table-shape.js";
import { convertData, TimeOutOfRange } from "./convert-data.js";
import { IpcBuffer } from "./ipc-buffer.js";
import { nullData } from "./null-data.js";
import { valueProblem } from "./value-problem.js";

export interface CommitEncoding {
  readonly commitId: CommitId;
  /** Of the table, all columns included. */
  readonly target: Schema;
  /** Of the rows. */
  readonly source: TableSchema;
  readonly maxBytes: number;
  readonly table: string;
}

/** Turns batches into one Arrow IPC file with exactly the columns of the table: in its order, by name, of its types. */
export class CommitEncoder {
  readonly #buffer: IpcBuffer;
  readonly #writer = new RecordBatchFileWriter();
  readonly #columns: readonly MakeColumn[];
  readonly #rowType: Struct;
  readonly #bin = new BufferBin();
  #rows = 0;

  constructor(private readonly encoding: CommitEncoding) {
    const { target, maxBytes } = encoding;
    this.#buffer = new IpcBuffer(maxBytes);
    this.#rowType = new Struct(target.fields);
    this.#columns = target.fields.map((field) => this.#columnMaker(field));
    this.#writer.reset(this.#buffer, target);
  }

  get rows(): number {
    return this.#rows;
  }

  get byteLength(): number {
    return this.#buffer.byteLength;
  }

  /**
   * Takes a batch's rows and frees its memory.
   *
   * @throws JobError `destination_failed` for a value that its column refuses, and beyond the limit of bytes.
   */
  add(batch: RecordBatch): void {
    if (batch.numRows === 0) return;
    const children = this.#columns.map((make) => make(batch));
    const rows = new Data(this.#rowType, 0, batch.numRows, 0, {}, children);
    this.#writer.write(new RecordBatch(this.encoding.target, rows));
    this.#rows += batch.numRows;
    this.#bin.freeBatch(batch);
  }

  /** The file, which lasts until {@link release}. */
  finish(): Buffer {
    this.#writer.finish();
    return this.#buffer.taken();
  }

  /** Gives its memory back. Nobody may read the file any more. */
  release(): void {
    void this.#buffer.release();
  }

  #columnMaker(field: Field): MakeColumn {
    const { source, commitId } = this.encoding;
    const type = field.type as ArrowType;
    const nulls = nullMaker(type);
    if (isCommitColumn(field)) {
      return ({ numRows }) => (this.#rows === 0 ? firstRow(commitId, numRows) : nulls(numRows));
    }
    const index = source.columns.findIndex(({ name }) => name === field.name);
    const column = source.columns[index];
    if (column === undefined) return ({ numRows }) => nulls(numRows);
    const to = dataTypeOf(field);
    return (batch) => {
      const data = this.#inRange(field.name, () => convertData(batch.data.children[index]!, column.type, to, type));
      const problem = valueProblem(field, data);
      if (problem !== undefined) throw this.#refused(field.name, problem);
      return data;
    };
  }

  #inRange(column: string, convert: () => Data): Data {
    try {
      return convert();
    } catch (error) {
      throw error instanceof TimeOutOfRange ? this.#refused(column, error.message) : error;
    }
  }

  #refused(column: string, problem: string): JobError {
    return new JobError("destination_failed", {
      message: `Column "${column}" of the Lance table "${this.encoding.table}" ${problem}; nothing was written.`,
      hint: "Filter such rows out in the query, or give them a value with coalesce().",
      retryable: false,
      table: this.encoding.table,
      columns: [column],
    });
  }
}

type MakeColumn = (batch: RecordBatch) => Data;

/** Nearly all batches have the same length. */
function nullMaker(type: ArrowType): (length: number) => Data {
  let last: Data | undefined;
  return (length) => (last = last?.length === length ? last : nullData(type, length));
}

/** A text in the first row and nulls below. */
function firstRow(text: string, rows: number): Data {
  const bytes = Buffer.from(text);
  const validity = new Uint8Array((rows + 7) >> 3);
  validity[0] = 1;
  return new Data(new Utf8(), 0, rows, rows - 1, {
    [BufferType.VALIDITY]: validity,
    [BufferType.OFFSET]: new Int32Array(rows + 1).fill(bytes.length, 1),
    [BufferType.DATA]: bytes,
  });
}
