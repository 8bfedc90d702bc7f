import type {
  Float32Writer,
  Float64Writer,
  Int16Writer,
  Int32Writer,
  Int64Writer,
  Int8Writer,
} from "../../../arrow/columns/number-writers.js";
import { type ColumnDecoder, NULL_START, type RowBytes } from "./column-decoder.js";

/*
 * Each loop stays with one kind of writer and one width, so that the compiler keeps it free of calls. Integers are as wide
 * as the server sends them; the column's array knows of their sign.
 */

export class Int8Decoder implements ColumnDecoder {
  readonly width = 1;

  constructor(private readonly writer: Int8Writer) {}

  decode({ view }: RowBytes, starts: Int32Array, _ends: Int32Array, from: number, to: number): void {
    const { writer } = this;
    for (let index = from; index < to; index++) {
      const start = starts[index]!;
      if (start === NULL_START) writer.appendNull();
      else writer.append(view.getInt8(start));
    }
  }
}

export class Int16Decoder implements ColumnDecoder {
  readonly width = 2;

  constructor(private readonly writer: Int16Writer) {}

  decode({ view }: RowBytes, starts: Int32Array, _ends: Int32Array, from: number, to: number): void {
    const { writer } = this;
    for (let index = from; index < to; index++) {
      const start = starts[index]!;
      if (start === NULL_START) writer.appendNull();
      else writer.append(view.getInt16(start, true));
    }
  }
}

export class Int32Decoder implements ColumnDecoder {
  readonly width = 4;

  constructor(private readonly writer: Int32Writer) {}

  decode({ view }: RowBytes, starts: Int32Array, _ends: Int32Array, from: number, to: number): void {
    const { writer } = this;
    for (let index = from; index < to; index++) {
      const start = starts[index]!;
      if (start === NULL_START) writer.appendNull();
      else writer.append(view.getInt32(start, true));
    }
  }
}

export class Int64Decoder implements ColumnDecoder {
  readonly width = 8;

  constructor(private readonly writer: Int64Writer) {}

  decode({ view }: RowBytes, starts: Int32Array, _ends: Int32Array, from: number, to: number): void {
    const { writer } = this;
    for (let index = from; index < to; index++) {
      const start = starts[index]!;
      if (start === NULL_START) writer.appendNull();
      else writer.appendWords(view.getInt32(start, true), view.getInt32(start + 4, true));
    }
  }
}

export class Float32Decoder implements ColumnDecoder {
  readonly width = 4;

  constructor(private readonly writer: Float32Writer) {}

  decode({ view }: RowBytes, starts: Int32Array, _ends: Int32Array, from: number, to: number): void {
    const { writer } = this;
    for (let index = from; index < to; index++) {
      const start = starts[index]!;
      if (start === NULL_START) writer.appendNull();
      else writer.append(view.getFloat32(start, true));
    }
  }
}

export class Float64Decoder implements ColumnDecoder {
  readonly width = 8;

  constructor(private readonly writer: Float64Writer) {}

  decode({ view }: RowBytes, starts: Int32Array, _ends: Int32Array, from: number, to: number): void {
    const { writer } = this;
    for (let index = from; index < to; index++) {
      const start = starts[index]!;
      if (start === NULL_START) writer.appendNull();
      else writer.append(view.getFloat64(start, true));
    }
  }
}
