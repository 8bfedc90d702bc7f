import type { BytesWriter } from "../../../arrow/columns/bytes-writer.js";
import type { EnumWriter } from "../../../arrow/columns/enum-writer.js";
import { unmovableValue } from "../../../arrow/unsupported-columns.js";
import { type ColumnDecoder, malformed, NULL_START, type RowBytes } from "./column-decoder.js";

/** Text, json and bytes: as they are, behind a prefix that is left out. */
export class BytesDecoder implements ColumnDecoder {
  /** @param prefix in bytes: jsonb has one, its version. */
  constructor(
    private readonly writer: BytesWriter,
    private readonly prefix = 0,
  ) {}

  decode({ bytes }: RowBytes, starts: Int32Array, ends: Int32Array, from: number, to: number): void {
    const { writer, prefix } = this;
    for (let index = from; index < to; index++) {
      const start = starts[index]!;
      if (start === NULL_START) writer.appendNull();
      else writer.appendBytes(bytes, start + prefix, ends[index]!);
    }
  }
}

/** The labels of an enum, which come as text. */
export class EnumDecoder implements ColumnDecoder {
  /** By the bytes of the label, each taken for a letter. */
  private readonly numbers: ReadonlyMap<string, number>;

  /** @param column the name of the table's column, for messages. */
  constructor(
    private readonly writer: EnumWriter,
    labels: readonly string[],
    private readonly column: string,
  ) {
    this.numbers = new Map(labels.map((label, index) => [Buffer.from(label).toString("latin1"), index]));
  }

  decode({ bytes }: RowBytes, starts: Int32Array, ends: Int32Array, from: number, to: number): void {
    const { writer, numbers } = this;
    for (let index = from; index < to; index++) {
      const start = starts[index]!;
      if (start === NULL_START) {
        writer.appendNull();
        continue;
      }
      const number = numbers.get(bytes.toString("latin1", start, ends[index]));
      if (number === undefined) throw unmovableValue(this.column, "a value is a label that its enum got meanwhile");
      writer.append(number);
    }
  }
}

const BIT_COUNT_BYTES = 4;
const ZERO = 0x30;

/** A bit string as digits: how many there are, then eight in a byte, the first one highest. */
export class BitDecoder implements ColumnDecoder {
  private digits = new Uint8Array(64);

  constructor(private readonly writer: BytesWriter) {}

  decode({ bytes, view }: RowBytes, starts: Int32Array, ends: Int32Array, from: number, to: number): void {
    for (let index = from; index < to; index++) {
      const start = starts[index]!;
      if (start === NULL_START) {
        this.writer.appendNull();
        continue;
      }
      const count = view.getInt32(start);
      const first = start + BIT_COUNT_BYTES;
      if (ends[index]! - first !== (count + 7) >> 3) throw malformed();
      if (this.digits.length < count) this.digits = new Uint8Array(2 * count);
      const { digits } = this;
      for (let bit = 0; bit < count; bit++) digits[bit] = ZERO + ((bytes[first + (bit >> 3)]! >> (7 - (bit & 7))) & 1);
      this.writer.appendBytes(digits, 0, count);
    }
  }
}
