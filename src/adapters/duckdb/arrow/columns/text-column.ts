import type { Vector } from "@duckdb/node-bindings";
import type { Binary, Data, Utf8 } from "apache-arrow";
import { arrowData } from "../../../arrow/arrow-data.js";
import { type Bitmap, isSet } from "../../../arrow/bitmap.js";
import type { ColumnBuilder } from "./column-builder.js";
import type { DriverCopies } from "../driver-copies.js";
import { GrowingBuffer } from "../../../arrow/growing-buffer.js";
import { unmovableValue } from "../../../arrow/unsupported-columns.js";
import { ValidityBuilder } from "./validity-builder.js";

const ENTRY_BYTES = 16;
const ENTRY_WORDS = 4;
/** DuckDB keeps strings up to this length in the entry itself; longer ones as a prefix and a pointer. */
const INLINE_BYTES = 12;
const MAX_OFFSET = 2 ** 31 - 1;

/**
 * Text and bytes.
 *
 * An entry of DuckDB's is a length and then either the bytes or a pointer to them. What the pointers point at lies
 * nearly without gaps in the order of the rows, so neighbours are read together: a call to the driver for each run of
 * strings, not for each string.
 */
export class TextColumn implements ColumnBuilder {
  private entries: Uint32Array<ArrayBuffer> = new Uint32Array(0);
  private readonly values = new GrowingBuffer();
  private readonly offsets = new GrowingBuffer();
  private readonly validity = new ValidityBuilder();
  private readonly run: StringRun;

  /** @param column the name of the table's column, for messages. */
  constructor(
    private readonly type: Utf8 | Binary,
    private readonly column: string,
    private readonly copies: DriverCopies,
  ) {
    this.run = new StringRun(copies);
  }

  open(vector: Vector, count: number, mask: Bitmap | null): void {
    this.validity.open(vector, count, mask);
    const bytes = this.copies.ofVector(vector, count * ENTRY_BYTES);
    this.entries = new Uint32Array(bytes.buffer, bytes.byteOffset, count * ENTRY_WORDS);
  }

  byteSize(start: number, count: number): number {
    return this.stringBytes(start, count) + count * 4;
  }

  append(start: number, count: number): void {
    const total = this.values.length + this.stringBytes(start, count);
    if (total > MAX_OFFSET) throw unmovableValue(this.column, "a value or a list in one row is larger than 2 GiB");
    if (this.offsets.length === 0) this.offsets.extend(4);
    let offsetAt = this.offsets.extend(count * 4);
    // Short strings are copied as three words, whatever their length.
    this.values.reserve(total - this.values.length + INLINE_BYTES);

    const { entries, run } = this;
    const { bytes, view } = this.values;
    const offsets = this.offsets.view;
    const valid = this.validity.source;
    let end = this.values.length;
    for (let row = start; row < start + count; row++, offsetAt += 4) {
      if (valid === null || isSet(valid, row)) {
        const word = row * ENTRY_WORDS;
        const length = entries[word]!;
        if (length <= INLINE_BYTES) {
          view.setUint32(end, entries[word + 1]!, true);
          view.setUint32(end + 4, entries[word + 2]!, true);
          view.setUint32(end + 8, entries[word + 3]!, true);
        } else if (!run.extend(entries, word, length, end)) {
          run.copyTo(bytes);
          run.start(entries, word, length, end);
        }
        end += length;
      }
      offsets.setInt32(offsetAt, end, true);
    }
    run.copyTo(bytes);
    this.values.length = total;
    this.validity.append(start, count);
  }

  take(): Data {
    const rows = this.validity.take();
    if (this.offsets.length === 0) this.offsets.extend(4);
    const offsets = this.offsets.take();
    return arrowData(this.type, rows, {
      offsets: new Int32Array(offsets.buffer, offsets.byteOffset, rows.length + 1),
      values: this.values.take(),
    });
  }

  private stringBytes(start: number, count: number): number {
    const { entries } = this;
    const valid = this.validity.source;
    let bytes = 0;
    for (let row = start; row < start + count; row++) {
      if (valid === null || isSet(valid, row)) bytes += entries[row * ENTRY_WORDS]!;
    }
    return bytes;
  }
}

/**
 * Long strings whose bytes follow each other in DuckDB's memory. In the column there may be short strings between them,
 * so a run is copied in pieces: one for each stretch without.
 */
class StringRun {
  private entries: Uint32Array<ArrayBuffer> = new Uint32Array(0);
  private firstWord = 0;
  private length = 0;
  // Where in DuckDB's memory the next string of the run would be, and where in the column.
  private nextLow = 0;
  private nextHigh = 0;
  private pieceEnd = 0;
  private readonly pieces: { target: number; length: number }[] = [];

  constructor(private readonly copies: DriverCopies) {}

  start(entries: Uint32Array<ArrayBuffer>, word: number, length: number, target: number): void {
    this.entries = entries;
    this.firstWord = word;
    this.length = 0;
    this.pieceEnd = -1;
    this.nextLow = entries[word + 2]!;
    this.nextHigh = entries[word + 3]!;
    this.extend(entries, word, length, target);
  }

  /** Takes a string in, if it is the next one in memory. */
  extend(entries: Uint32Array, word: number, length: number, target: number): boolean {
    if (entries[word + 2] !== this.nextLow || entries[word + 3] !== this.nextHigh) return false;
    // Past the low word there is no carry: no string begins there, so a new run does.
    this.nextLow += length;
    this.length += length;
    if (target === this.pieceEnd) this.pieces[this.pieces.length - 1]!.length += length;
    else this.pieces.push({ target, length });
    this.pieceEnd = target + length;
    return true;
  }

  /** Reads the run and writes its pieces where they belong. */
  copyTo(target: Uint8Array): void {
    if (this.length === 0) return;
    const pointerAt = this.entries.byteOffset + (this.firstWord + 2) * 4;
    const source = this.copies.ofPointer(this.entries.buffer, pointerAt, this.length);
    let from = 0;
    for (const piece of this.pieces) {
      target.set(source.subarray(from, from + piece.length), piece.target);
      from += piece.length;
    }
    this.pieces.length = 0;
    this.length = 0;
    this.nextHigh = -1;
  }
}
