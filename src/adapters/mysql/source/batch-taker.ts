import type { RecordBatch } from "apache-arrow";
import { BatchWriter } from "../../arrow/batch-writer.js";
import type { TablePlace } from "../destination/place.js";
import { type ColumnDecoder, NULL_START, OWN_LENGTH, type RowBytes } from "./decoders/column-decoder.js";
import { columnDecoders } from "./decoders/column-decoders.js";
import { changedColumns, unreadableValue } from "./read-failure.js";
import type { ReadColumn } from "./read-table.js";
import type { RowTaker } from "./row-packets.js";
import { comesAs, type WireField } from "./wire-value.js";

/** The bits of nulls begin behind two that have no meaning. */
const FIRST_NULL_BIT = 2;
/** A length up to this is one byte; above it the byte says how many follow. */
const LARGEST_SHORT = 0xfa;
const LENGTH_BYTES: Readonly<Record<number, number>> = { 0xfc: 2, 0xfd: 3, 0xfe: 8 };
/** Rows whose values are found before they are decoded column by column: fewer where there are many columns. */
const MOST_ROWS = 1_024;
const MOST_VALUES = 1 << 14;

/** Makes batches of rows of the binary protocol. */
export class BatchTaker implements RowTaker {
  private readonly batch: BatchWriter;
  private readonly decoders: readonly ColumnDecoder[];
  private readonly widths: Uint8Array;
  private readonly nullBytes: number;
  private readonly atOnce: number;
  /** Where values begin and end, column behind column. */
  private readonly starts: Int32Array;
  private readonly ends: Int32Array;
  private source: RowBytes | undefined;
  /** The rows of the batches that were sent. */
  private sent = 0;

  /** @param send takes each batch that is full. */
  constructor(
    private readonly place: TablePlace,
    private readonly columns: readonly ReadColumn[],
    private readonly send: (batch: RecordBatch) => void,
  ) {
    this.batch = new BatchWriter({ columns });
    this.decoders = columnDecoders(columns, this.batch);
    this.widths = Uint8Array.from(this.decoders, ({ width }) => width);
    this.nullBytes = (columns.length + FIRST_NULL_BIT + 7) >> 3;
    this.atOnce = Math.max(1, Math.min(MOST_ROWS, Math.floor(MOST_VALUES / columns.length)));
    this.starts = new Int32Array(this.atOnce * columns.length);
    this.ends = new Int32Array(this.atOnce * columns.length);
  }

  fields(fields: readonly WireField[]): void {
    const changed = this.columns.filter(({ native }, index) => !fields[index] || !comesAs(native, fields[index]));
    if (changed.length > 0 || fields.length !== this.columns.length) {
      throw changedColumns(
        this.place,
        changed.map(({ name }) => name),
      );
    }
  }

  rows(bytes: Buffer, starts: Int32Array, ends: Int32Array, count: number): void {
    if (this.source?.bytes !== bytes) {
      this.source = { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) };
    }
    for (let from = 0, to = 0; from < count; from = to) {
      to = Math.min(count, from + this.atOnce, from + this.batch.roomRows);
      for (let row = from; row < to; row++) this.find(bytes, starts[row]!, ends[row]!, row - from);
      this.decode(this.source, to - from);
      if (this.batch.isFull) this.sendBatch();
    }
  }

  /** The rows that are left. */
  finish(): void {
    if (this.batch.rows > 0) this.sendBatch();
  }

  private find(bytes: Buffer, start: number, end: number, row: number): void {
    const { starts, ends, widths, atOnce } = this;
    let at = start + this.nullBytes;
    for (let column = 0, slot = row; column < widths.length; column++, slot += atOnce) {
      const bit = column + FIRST_NULL_BIT;
      if (((bytes[start + (bit >> 3)]! >> (bit & 7)) & 1) === 1) {
        starts[slot] = NULL_START;
        continue;
      }
      let length = widths[column]!;
      if (length === OWN_LENGTH) {
        length = bytes[at++]!;
        if (length > LARGEST_SHORT) {
          const lengthBytes = LENGTH_BYTES[length];
          if (lengthBytes === undefined) throw malformedRow();
          length = lengthBytes === 8 ? Number(bytes.readBigUInt64LE(at)) : bytes.readUIntLE(at, lengthBytes);
          at += lengthBytes;
        }
      }
      starts[slot] = at;
      at += length;
      ends[slot] = at;
    }
    if (at !== end) throw malformedRow();
  }

  private decode(source: RowBytes, rows: number): void {
    const { decoders, starts, ends, atOnce } = this;
    for (let column = 0; column < decoders.length; column++) {
      try {
        decoders[column]!.decode(source, starts, ends, column * atOnce, column * atOnce + rows);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        const row = this.sent + this.batch.columns[column]!.length + 1;
        throw unreadableValue(this.place, this.columns[column]!, row, error.message);
      }
    }
    this.batch.endRow(rows);
  }

  private sendBatch(): void {
    this.sent += this.batch.rows;
    this.send(this.batch.take());
  }
}

function malformedRow(): Error {
  return new Error("a row of the server's is longer or shorter than its columns");
}
