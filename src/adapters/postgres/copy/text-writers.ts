import type { Data } from "apache-arrow";
import { type CopyTarget, valuesView, type ValueWriter, viewOf } from "./value-writer.js";

/** Up to here a loop over the bytes is faster than a call. */
const SHORT = 128;
/** What the binary form of jsonb begins with. */
const JSONB_VERSION = 1;

function copy(target: CopyTarget, at: number, source: DataView, from: number, to: number): void {
  const { view } = target;
  if (to - from > SHORT) {
    target.bytes.set(new Uint8Array(source.buffer, source.byteOffset + from, to - from), at);
    return;
  }
  let next = from;
  for (; next <= to - 4; next += 4, at += 4) view.setInt32(at, source.getInt32(next));
  for (; next < to; next++, at++) view.setUint8(at, source.getUint8(next));
}

/** Text or bytes as they are. */
export class BytesWriter implements ValueWriter {
  protected bytes: DataView = new DataView(new ArrayBuffer(0));
  protected offsets: Int32Array = new Int32Array(1);

  /** @param most how many characters a text may have. */
  constructor(private readonly most = Infinity) {}

  open(column: Data): void {
    this.bytes = valuesView(column);
    this.offsets = column.valueOffsets as Int32Array;
  }

  measure(lengths: Int32Array, from: number, count: number): void {
    const { offsets, most } = this;
    for (let row = 0; row < count; row++) {
      const length = offsets[from + row + 1]! - offsets[from + row]!;
      if (length > most) this.count(from + row);
      lengths[row] = length;
    }
  }

  write(target: CopyTarget, rows: Int32Array, places: Int32Array, count: number): void {
    const { bytes, offsets } = this;
    for (let k = 0; k < count; k++) {
      const row = rows[k]!;
      copy(target, places[k]!, bytes, offsets[row]!, offsets[row + 1]!);
    }
  }

  /** The server would cut spaces at the end without a word. */
  private count(row: number): void {
    let characters = 0;
    for (let byte = this.offsets[row]!; byte < this.offsets[row + 1]!; byte++) {
      if ((this.bytes.getUint8(byte) & 0xc0) !== 0x80) characters += 1;
    }
    if (characters > this.most) throw new RangeError(`holds a text of more than ${this.most} characters`);
  }
}

/** JSON text as a jsonb. */
export class JsonbWriter extends BytesWriter {
  override measure(lengths: Int32Array, from: number, count: number): void {
    super.measure(lengths, from, count);
    for (let row = 0; row < count; row++) lengths[row]! += 1;
  }

  override write(target: CopyTarget, rows: Int32Array, places: Int32Array, count: number): void {
    const { bytes, offsets } = this;
    for (let k = 0; k < count; k++) {
      const row = rows[k]!;
      target.view.setUint8(places[k]!, JSONB_VERSION);
      copy(target, places[k]! + 1, bytes, offsets[row]!, offsets[row + 1]!);
    }
  }
}

/** The labels of an enum, as text or as an enum of the server's: both are sent as text. */
export class EnumWriter implements ValueWriter {
  private keys: ArrayLike<number> = [];
  private labels: readonly DataView[] = [];
  private dictionary: unknown;

  open(column: Data): void {
    this.keys = column.values as ArrayLike<number>;
    if (column.dictionary === this.dictionary) return;
    this.dictionary = column.dictionary;
    this.labels = (column.dictionary?.toJSON() ?? []).map((label: string) => viewOf(Buffer.from(label)));
  }

  measure(lengths: Int32Array, from: number, count: number): void {
    // The key of a null may name no label.
    for (let row = 0; row < count; row++) lengths[row] = this.labels[this.keys[from + row]!]?.byteLength ?? 0;
  }

  write(target: CopyTarget, rows: Int32Array, places: Int32Array, count: number): void {
    for (let k = 0; k < count; k++) {
      const label = this.labels[this.keys[rows[k]!]!];
      if (label === undefined) throw new RangeError("holds a number that its enum has no label for");
      copy(target, places[k]!, label, 0, label.byteLength);
    }
  }
}

/** Digits 0 and 1 as a bit string: how many there are, then eight in a byte, the first one highest. */
export class BitWriter implements ValueWriter {
  private digits: Uint8Array = new Uint8Array(0);
  private offsets: Int32Array = new Int32Array(1);

  open(column: Data): void {
    this.digits = column.values as Uint8Array;
    this.offsets = column.valueOffsets as Int32Array;
  }

  measure(lengths: Int32Array, from: number, count: number): void {
    const { offsets } = this;
    for (let row = 0; row < count; row++)
      lengths[row] = 4 + ((offsets[from + row + 1]! - offsets[from + row]! + 7) >> 3);
  }

  write({ bytes, view }: CopyTarget, rows: Int32Array, places: Int32Array, count: number): void {
    for (let k = 0; k < count; k++) {
      const from = this.offsets[rows[k]!]!;
      const bits = this.offsets[rows[k]! + 1]! - from;
      const at = places[k]! + 4;
      view.setInt32(places[k]!, bits);
      bytes.fill(0, at, at + ((bits + 7) >> 3));
      for (let bit = 0; bit < bits; bit++) {
        bytes[at + (bit >> 3)]! |= (this.digits[from + bit]! & 1) << (7 - (bit & 7));
      }
    }
  }
}
