import type { DataType as ArrowType } from "apache-arrow";
import { FixedWriter } from "./fixed-writer.js";

/* The same for signed and for unsigned integers, whose bits are the same. */

/** Integers of 8 bits. */
export class Int8Writer extends FixedWriter<Int8Array<ArrayBuffer>> {
  constructor(type: ArrowType) {
    super(type, Int8Array);
  }

  append(value: number): void {
    const row = this.rows.append();
    if (row >= this.values.length) this.reach(row);
    this.values[row] = value;
  }
}

/** Integers of 16 bits. */
export class Int16Writer extends FixedWriter<Int16Array<ArrayBuffer>> {
  constructor(type: ArrowType) {
    super(type, Int16Array);
  }

  append(value: number): void {
    const row = this.rows.append();
    if (row >= this.values.length) this.reach(row);
    this.values[row] = value;
  }
}

/** Integers of 32 bits, and dates as days. */
export class Int32Writer extends FixedWriter<Int32Array<ArrayBuffer>> {
  constructor(type: ArrowType) {
    super(type, Int32Array);
  }

  append(value: number): void {
    const row = this.rows.append();
    if (row >= this.values.length) this.reach(row);
    this.values[row] = value;
  }
}

const TWO_32 = 0x1_0000_0000;

/** Integers of 64 bits, times and timestamps. */
export class Int64Writer extends FixedWriter<Int32Array<ArrayBuffer>> {
  constructor(type: ArrowType) {
    super(type, Int32Array, 2);
  }

  /** Takes both halves; their signs do not matter. */
  appendWords(low: number, high: number): void {
    const row = this.rows.append();
    if (2 * row >= this.values.length) this.reach(row);
    this.values[2 * row] = low;
    this.values[2 * row + 1] = high;
  }

  /** @param value a whole number that a number holds exactly. */
  append(value: number): void {
    this.appendWords(value, Math.floor(value / TWO_32));
  }

  appendBigInt(value: bigint): void {
    this.appendWords(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
  }
}

/** Numbers of single precision. */
export class Float32Writer extends FixedWriter<Float32Array<ArrayBuffer>> {
  constructor(type: ArrowType) {
    super(type, Float32Array);
  }

  append(value: number): void {
    const row = this.rows.append();
    if (row >= this.values.length) this.reach(row);
    this.values[row] = value;
  }
}

/** Numbers of double precision. */
export class Float64Writer extends FixedWriter<Float64Array<ArrayBuffer>> {
  constructor(type: ArrowType) {
    super(type, Float64Array);
  }

  append(value: number): void {
    const row = this.rows.append();
    if (row >= this.values.length) this.reach(row);
    this.values[row] = value;
  }
}

/** Integers of 128 bits, UUIDs and intervals: four words as the machine has them, lowest first. */
export class Bytes16Writer extends FixedWriter<Int32Array<ArrayBuffer>> {
  constructor(type: ArrowType) {
    super(type, Int32Array, 4);
  }

  appendWords(first: number, second: number, third: number, fourth: number): void {
    const row = this.rows.append();
    if (4 * row >= this.values.length) this.reach(row);
    const { values } = this;
    values[4 * row] = first;
    values[4 * row + 1] = second;
    values[4 * row + 2] = third;
    values[4 * row + 3] = fourth;
  }

  /** The sixteen bytes from `start`, in their order. */
  appendBytes(source: Uint8Array, start: number): void {
    this.appendWords(
      wordAt(source, start),
      wordAt(source, start + 4),
      wordAt(source, start + 8),
      wordAt(source, start + 12),
    );
  }
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}
