import type { BytesWriter } from "../../../arrow/columns/bytes-writer.js";
import type { DecimalWriter } from "../../../arrow/columns/decimal-writer.js";
import { type ColumnDecoder, NULL_START, OWN_LENGTH, type RowBytes } from "./column-decoder.js";

/** Text, json and bytes: as they are. */
export class BytesDecoder implements ColumnDecoder {
  readonly width = OWN_LENGTH;

  constructor(private readonly writer: BytesWriter) {}

  decode({ bytes }: RowBytes, starts: Int32Array, ends: Int32Array, from: number, to: number): void {
    const { writer } = this;
    for (let index = from; index < to; index++) {
      const start = starts[index]!;
      if (start === NULL_START) writer.appendNull();
      else writer.appendBytes(bytes, start, ends[index]!);
    }
  }
}

/** Decimals, which come as text. */
export class DecimalDecoder implements ColumnDecoder {
  readonly width = OWN_LENGTH;

  constructor(private readonly writer: DecimalWriter) {}

  decode({ bytes }: RowBytes, starts: Int32Array, ends: Int32Array, from: number, to: number): void {
    const { writer } = this;
    for (let index = from; index < to; index++) {
      const start = starts[index]!;
      if (start === NULL_START) writer.appendNull();
      else writer.appendDigits(bytes, start, ends[index]!);
    }
  }
}
