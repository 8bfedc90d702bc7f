import type { BatchWriter } from "../../arrow/batch-writer.js";
import { type ColumnDecoder, NULL_START, type RowBytes } from "./decoders/column-decoder.js";

const MESSAGE_HEADER_BYTES = 5;
const SIGNATURE = Buffer.from("PGCOPY\n\xff\r\n\0", "latin1");
/** Behind the signature: flags, and the length of what else the header holds. */
const FLAGS_BYTES = 8;
/** Flags of which a reader must know what they mean. */
const CRITICAL_FLAGS = 0xffff_0000;
/** In the place of a number of fields. */
const TRAILER = -1;

/** Rows whose fields are found before they are decoded column by column: fewer where there are many columns. */
const MOST_ROWS = 1_024;
const MOST_FIELDS = 1 << 16;

/**
 * Decodes the messages of a binary COPY, a row in each, into a batch: some rows at a time, whose fields are found first and
 * then taken column by column.
 */
export class RowReader {
  /** The rows so far. */
  rows = 0;
  /** The mark behind the last row has come. */
  hasEnded = false;
  private hasBegun = false;
  private readonly atOnce: number;
  private readonly starts: Int32Array;
  private readonly ends: Int32Array;

  constructor(
    private readonly batch: BatchWriter,
    private readonly decoders: readonly ColumnDecoder[],
  ) {
    this.atOnce = Math.max(1, Math.min(MOST_ROWS, Math.floor(MOST_FIELDS / decoders.length)));
    this.starts = new Int32Array(this.atOnce * decoders.length);
    this.ends = new Int32Array(this.atOnce * decoders.length);
  }

  /**
   * Takes whole messages in, until the batch is full.
   *
   * @returns where the next message begins.
   */
  read(messages: Buffer, from: number): number {
    const view = new DataView(messages.buffer, messages.byteOffset, messages.byteLength);
    const source: RowBytes = { bytes: messages, view };
    let at = from;
    while (at < messages.length && !this.batch.isFull) at = this.readSome(source, at);
    return at;
  }

  private readSome({ bytes, view }: RowBytes, from: number): number {
    const { starts, ends, atOnce } = this;
    const columns = this.decoders.length;
    const most = Math.min(atOnce, this.batch.roomRows);
    let at = from;
    let row = 0;
    for (; row < most && at < bytes.length && !this.hasEnded; row++) {
      const next = at + 1 + view.getUint32(at + 1);
      let place = at + MESSAGE_HEADER_BYTES;
      at = next;
      if (!this.hasBegun) place = this.begin(bytes, view, place);
      // The header may come alone.
      if (place === next) break;
      const fields = view.getInt16(place);
      place += 2;
      if (fields === TRAILER) this.hasEnded = true;
      else if (fields !== columns) throw malformedCopy();
      else {
        for (let slot = row; slot < columns * atOnce; slot += atOnce) {
          const length = view.getInt32(place);
          place += 4;
          starts[slot] = length < 0 ? NULL_START : place;
          if (length > 0) place += length;
          ends[slot] = place;
        }
      }
      if (place !== next) throw malformedCopy();
      if (this.hasEnded) break;
    }
    if (this.hasEnded && at < bytes.length) throw malformedCopy();
    this.decoders.forEach((decoder, column) => {
      decoder.decode({ bytes, view }, starts, ends, column * atOnce, column * atOnce + row);
    });
    this.batch.endRow(row);
    this.rows += row;
    return at;
  }

  private begin(bytes: Buffer, view: DataView, start: number): number {
    const flags = start + SIGNATURE.length;
    if (SIGNATURE.compare(bytes, start, flags) !== 0) throw malformedCopy();
    if ((view.getUint32(flags) & CRITICAL_FLAGS) !== 0) throw malformedCopy();
    this.hasBegun = true;
    return flags + FLAGS_BYTES + view.getUint32(flags + 4);
  }
}

function malformedCopy(): Error {
  return new RangeError("Postgres sent a copy in a form that is not known");
}
