import type { BooleanWriter } from "../../../arrow/columns/bit-writers.js";
import type {
  Bytes16Writer,
  Float32Writer,
  Float64Writer,
  Int16Writer,
  Int32Writer,
  Int64Writer,
} from "../../../arrow/columns/number-writers.js";
import { type ColumnDecoder, malformed, NULL_START, type RowBytes } from "./column-decoder.js";

/* Each loop stays with one kind of writer and one width, so that the compiler keeps it free of calls. */

export class BooleanDecoder implements ColumnDecoder {
  constructor(private readonly writer: BooleanWriter) {}

  decode({ bytes }: RowBytes, starts: Int32Array, ends: Int32Array, from: number, to: number): void {
    const { writer } = this;
    for (let index = from; index < to; index++) {
      const start = starts[index]!;
      if (start === NULL_START) writer.appendNull();
      else if (ends[index]! - start !== 1) throw malformed();
      else writer.append(bytes[start] !== 0);
    }
  }
}

export class Int16Decoder implements ColumnDecoder {
  constructor(private readonly writer: Int16Writer) {}

  decode({ view }: RowBytes, starts: Int32Array, ends: Int32Array, from: number, to: number): void {
    const { writer } = this;
    for (let index = from; index < to; index++) {
      const start = starts[index]!;
      if (start === NULL_START) writer.appendNull();
      else if (ends[index]! - start !== 2) throw malformed();
      else writer.append(view.getInt16(start));
    }
  }
}

export class Int32Decoder implements ColumnDecoder {
  constructor(private readonly writer: Int32Writer) {}

  decode({ view }: RowBytes, starts: Int32Array, ends: Int32Array, from: number, to: number): void {
    const { writer } = this;
    for (let index = from; index < to; index++) {
      const start = starts[index]!;
      if (start === NULL_START) writer.appendNull();
      else if (ends[index]! - start !== 4) throw malformed();
      else writer.append(view.getInt32(start));
    }
  }
}

/** Integers of 64 bits, and times in microseconds. */
export class Int64Decoder implements ColumnDecoder {
  constructor(private readonly writer: Int64Writer) {}

  decode({ view }: RowBytes, starts: Int32Array, ends: Int32Array, from: number, to: number): void {
    const { writer } = this;
    for (let index = from; index < to; index++) {
      const start = starts[index]!;
      if (start === NULL_START) writer.appendNull();
      else if (ends[index]! - start !== 8) throw malformed();
      else writer.appendWords(view.getInt32(start + 4), view.getInt32(start));
    }
  }
}

export class Float32Decoder implements ColumnDecoder {
  constructor(private readonly writer: Float32Writer) {}

  decode({ view }: RowBytes, starts: Int32Array, ends: Int32Array, from: number, to: number): void {
    const { writer } = this;
    for (let index = from; index < to; index++) {
      const start = starts[index]!;
      if (start === NULL_START) writer.appendNull();
      else if (ends[index]! - start !== 4) throw malformed();
      else writer.append(view.getFloat32(start));
    }
  }
}

export class Float64Decoder implements ColumnDecoder {
  constructor(private readonly writer: Float64Writer) {}

  decode({ view }: RowBytes, starts: Int32Array, ends: Int32Array, from: number, to: number): void {
    const { writer } = this;
    for (let index = from; index < to; index++) {
      const start = starts[index]!;
      if (start === NULL_START) writer.appendNull();
      else if (ends[index]! - start !== 8) throw malformed();
      else writer.append(view.getFloat64(start));
    }
  }
}

export class UuidDecoder implements ColumnDecoder {
  constructor(private readonly writer: Bytes16Writer) {}

  decode({ bytes }: RowBytes, starts: Int32Array, ends: Int32Array, from: number, to: number): void {
    const { writer } = this;
    for (let index = from; index < to; index++) {
      const start = starts[index]!;
      if (start === NULL_START) writer.appendNull();
      else if (ends[index]! - start !== 16) throw malformed();
      else writer.appendBytes(bytes, start);
    }
  }
}
