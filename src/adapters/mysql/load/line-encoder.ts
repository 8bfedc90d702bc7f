import { UnfitValue } from "../../arrow/unfit-value.js";
import type { Data, RecordBatch } from "apache-arrow";
import { writeAscii } from "../../sql/digits.js";
import { type FieldWriter, NullBitmap } from "./field-writer.js";

/** Larger chunks are hardly faster, and making one holds the event loop. */
const CHUNK_BYTES = 128 << 10;
const NULL = "\\N";
const TAB = 0x09;
const NEW_LINE = 0x0a;

/** A column of the rows, and what writes its values. */
export interface EncodedColumn {
  readonly name: string;
  readonly field: FieldWriter;
  /** The column of the table refuses nulls, or puts something in their place. */
  readonly required: boolean;
}

/** Arrow batches as lines of text: fields between tabs, `\N` for null, a backslash before what would end a field. */
export class LineEncoder {
  private readonly columns: readonly OpenColumn[];
  private rowCount = 0;
  private next = 0;
  private bytes = new Uint8Array(CHUNK_BYTES);

  constructor(columns: readonly EncodedColumn[]) {
    this.columns = columns.map((column) => new OpenColumn(column));
  }

  /** @throws UnfitValue */
  open(batch: RecordBatch): void {
    this.rowCount = batch.numRows;
    this.next = 0;
    this.columns.forEach((column, index) => column.open(batch.data.children[index]!));
  }

  /** Whether the batch that was opened has rows left. */
  get hasMore(): boolean {
    return this.next < this.rowCount;
  }

  /**
   * The next rows as whole lines, in bytes that are used again by the next call.
   *
   * @throws UnfitValue
   */
  encode(): Uint8Array {
    let at = 0;
    for (; this.next < this.rowCount && at < CHUNK_BYTES; this.next++) {
      let room = 0;
      for (const column of this.columns) room += column.room(this.next);
      if (at + room > this.bytes.length) {
        if (at > 0) break;
        this.bytes = new Uint8Array(room);
      }
      for (const column of this.columns) at = column.write(this.bytes, at, this.next);
      this.bytes[at - 1] = NEW_LINE;
    }
    return this.bytes.subarray(0, at);
  }
}

class OpenColumn {
  private nulls: NullBitmap | undefined;

  constructor(private readonly column: EncodedColumn) {}

  open(data: Data): void {
    const { name, field, required } = this.column;
    if (required && data.nullCount > 0) throw new UnfitValue(name, new RangeError("holds a null, which it refuses"));
    this.nulls = data.nullCount > 0 ? new NullBitmap(data) : undefined;
    field.open(data);
  }

  /** With the tab behind it. */
  room(row: number): number {
    return (this.nulls?.isNull(row) === true ? NULL.length : this.column.field.room(row)) + 1;
  }

  write(bytes: Uint8Array, at: number, row: number): number {
    const { name, field } = this.column;
    let end: number;
    if (this.nulls?.isNull(row) === true) end = writeAscii(bytes, at, NULL);
    else {
      try {
        end = field.write(bytes, at, row);
      } catch (error) {
        throw error instanceof RangeError ? new UnfitValue(name, error) : error;
      }
    }
    bytes[end] = TAB;
    return end + 1;
  }
}
