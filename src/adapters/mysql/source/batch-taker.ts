import type { RecordBatch } from "apache-arrow";
import { BatchWriter } from "../../arrow/batch-writer.js";
import type { TablePlace } from "../destination/place.js";
import { PacketReader } from "./packet-reader.js";
import { changedColumns, unreadableValue } from "./read-failure.js";
import type { ReadColumn } from "./read-table.js";
import type { RowTaker } from "./row-packets.js";
import { valueReader } from "./value-readers.js";
import { comesAs, type WireField } from "./wire-value.js";

/** The bits of nulls begin behind two that have no meaning. */
const FIRST_NULL_BIT = 2;

/** Makes batches of rows of the binary protocol. */
export class BatchTaker implements RowTaker {
  private readonly writer: BatchWriter;
  private readonly readers;
  private readonly packet = new PacketReader();
  private readonly nullBytes: number;
  private rows = 0;

  /** @param send takes each batch that is full. */
  constructor(
    private readonly place: TablePlace,
    private readonly columns: readonly ReadColumn[],
    private readonly send: (batch: RecordBatch) => void,
  ) {
    const writer = new BatchWriter({ columns });
    this.writer = writer;
    this.readers = columns.map((column, index) => valueReader(column, writer, index));
    this.nullBytes = (columns.length + FIRST_NULL_BIT + 7) >> 3;
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

  row(bytes: Buffer, start: number, end: number): void {
    const { packet, readers } = this;
    packet.bytes = bytes;
    packet.at = start + this.nullBytes;
    let index = 0;
    try {
      for (; index < readers.length; index++) {
        const { column, read } = readers[index]!;
        const bit = index + FIRST_NULL_BIT;
        if (((bytes[start + (bit >> 3)]! >> (bit & 7)) & 1) === 1) column.appendNull();
        else read(packet);
      }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw unreadableValue(this.place, this.columns[index]!, this.rows + 1, error.message);
    }
    if (packet.at !== end) throw new Error("a row of the server's is longer or shorter than its columns");
    this.rows += 1;
    this.writer.endRow();
    if (this.writer.isFull) this.send(this.writer.take());
  }

  /** The rows that are left. */
  finish(): void {
    if (this.writer.rows > 0) this.send(this.writer.take());
  }
}
