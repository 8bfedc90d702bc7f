import type { Data } from "apache-arrow";
import { bignumOf } from "../../../model/binary-integers.js";
import type { DataType } from "../../../model/data-type.js";
import type { CopyTarget, ValueWriter } from "./value-writer.js";

/*
 * Postgres keeps a numeric as digits of base 10,000: their number, the weight of the first, the sign, how many decimals
 * to show, the digits. Zeros at either end are taken, and dropped by the server, so the values of some rows are sent with
 * one number of digits.
 */

const BASE = 10_000;
const NEGATIVE = 0x4000;
const HEADER_BYTES = 8;
const TWO_32 = 0x1_0000_0000;

/** Decimals and integers of any width as a numeric. */
export class NumericWriter implements ValueWriter {
  private readonly scale: number;
  /** Digits behind the point. */
  private readonly fractionDigits: number;
  /** What the last digit counts up to: less than 10,000 where fewer than four decimals are left for it. */
  private readonly lastBase: number;
  /** Digits before the point: as many as the largest of the measured values has. */
  private wholeDigits = 0;
  /** How many 32-bit words a value has; 0: they are plain numbers. */
  private readonly words: 0 | 2 | 4;
  private readonly signed: boolean;
  private values: ArrayLike<number> = [];
  /** The magnitude of one value, lowest word first. */
  private readonly magnitude = new Uint32Array(4);

  constructor(type: Extract<DataType, { kind: "decimal" | "integer" }>) {
    const isDecimal = type.kind === "decimal";
    this.scale = isDecimal ? type.scale : 0;
    this.fractionDigits = Math.ceil(this.scale / 4);
    this.lastBase = 10 ** (this.scale % 4 || 4);
    this.words = isDecimal || type.bits === 128 ? 4 : type.bits === 64 ? 2 : 0;
    this.signed = isDecimal || type.signed;
  }

  open(column: Data): void {
    const values = column.values as ArrayBufferView & ArrayLike<number>;
    if (this.words === 0) this.values = values;
    // A copy where the words lie at odd addresses.
    else if (values.byteOffset % 4 === 0) {
      this.values = new Uint32Array(values.buffer, values.byteOffset, values.byteLength / 4);
    } else {
      const { buffer, byteOffset, byteLength } = values;
      this.values = new Uint32Array(buffer.slice(byteOffset, byteOffset + byteLength));
    }
  }

  measure(lengths: Int32Array, from: number, count: number): void {
    let largest = 0;
    for (let row = from; row < from + count; row++) {
      const value = Math.abs(this.approximate(row));
      if (value > largest) largest = value;
    }
    // The approximation may be a little too small.
    const whole = (largest * (1 + 1e-12)) / 10 ** this.scale;
    this.wholeDigits = 0;
    for (let limit = 1; limit <= whole; limit *= BASE) this.wholeDigits += 1;
    lengths.fill(HEADER_BYTES + 2 * (this.wholeDigits + this.fractionDigits), 0, count);
  }

  write({ view }: CopyTarget, rows: Int32Array, places: Int32Array, count: number): void {
    const { wholeDigits, scale } = this;
    const digits = wholeDigits + this.fractionDigits;
    for (let k = 0; k < count; k++) {
      const at = places[k]!;
      const negative = this.take(rows[k]!);
      view.setInt16(at, digits);
      view.setInt16(at + 2, wholeDigits - 1);
      view.setInt16(at + 4, negative ? NEGATIVE : 0);
      view.setInt16(at + 6, scale);
      this.writeDigits(view, at + HEADER_BYTES, digits);
    }
  }

  private approximate(row: number): number {
    const { values, words } = this;
    if (words === 0) return values[row]!;
    const at = row * words;
    const highest = values[at + words - 1]!;
    let value = this.signed && highest >= 0x8000_0000 ? highest - TWO_32 : highest;
    for (let word = words - 2; word >= 0; word--) value = value * TWO_32 + values[at + word]!;
    return value;
  }

  /** Takes a row's magnitude; tells whether it is negative. */
  private take(row: number): boolean {
    const { magnitude, values, words } = this;
    if (words === 0) {
      const value = values[row]!;
      magnitude[0] = value < 0 ? -value : value;
      return value < 0;
    }
    const from = row * words;
    const negative = this.signed && values[from + words - 1]! >= 0x8000_0000;
    let carry = 1;
    for (let word = 0; word < words; word++) {
      if (!negative) magnitude[word] = values[from + word]!;
      else {
        const turned = TWO_32 - 1 - values[from + word]! + carry;
        magnitude[word] = turned;
        carry = turned >= TWO_32 ? 1 : 0;
      }
    }
    return negative;
  }

  /** From the last digit to the first. */
  private writeDigits(view: DataView, first: number, digits: number): void {
    const { magnitude, lastBase } = this;
    let at = first + 2 * (digits - 1);
    const lastFactor = BASE / lastBase;
    if (magnitude[3] === 0 && magnitude[2] === 0 && magnitude[1]! < 0x20_0000) {
      let left = magnitude[1]! * TWO_32 + magnitude[0]!;
      for (let base = lastBase, factor = lastFactor; at >= first; at -= 2) {
        const next = Math.floor(left / base);
        view.setInt16(at, (left - next * base) * factor);
        left = next;
        base = BASE;
        factor = 1;
      }
      return;
    }
    if (at >= first) view.setInt16(at, this.divide(lastBase) * lastFactor);
    for (at -= 2; at >= first; at -= 2) view.setInt16(at, this.divide(BASE));
  }

  /** Divides the magnitude, and gives the remainder. */
  private divide(base: number): number {
    const { magnitude } = this;
    let remainder = 0;
    for (let word = 3; word >= 0; word--) {
      const part = remainder * TWO_32 + magnitude[word]!;
      const quotient = Math.floor(part / base);
      magnitude[word] = quotient;
      remainder = part - quotient * base;
    }
    return remainder;
  }
}

/** Integers of any length, which are rare: by way of their decimal text. */
export class BignumWriter implements ValueWriter {
  private bytes: Uint8Array = new Uint8Array(0);
  private offsets: Int32Array = new Int32Array(0);

  open(column: Data): void {
    this.bytes = column.values as Uint8Array;
    this.offsets = column.valueOffsets as Int32Array;
  }

  measure(lengths: Int32Array, from: number, count: number): void {
    for (let row = 0; row < count; row++)
      lengths[row] = HEADER_BYTES + 2 * Math.ceil(this.digitsOf(from + row).length / 4);
  }

  write({ view }: CopyTarget, rows: Int32Array, places: Int32Array, count: number): void {
    for (let k = 0; k < count; k++) {
      const value = this.valueOf(rows[k]!);
      const digits = this.digitsOf(rows[k]!);
      const groups = Math.ceil(digits.length / 4);
      const padded = digits.padStart(4 * groups, "0");
      const at = places[k]!;
      view.setInt16(at, groups);
      view.setInt16(at + 2, groups - 1);
      view.setInt16(at + 4, value < 0n ? NEGATIVE : 0);
      view.setInt16(at + 6, 0);
      for (let group = 0; group < groups; group++) {
        view.setInt16(at + HEADER_BYTES + 2 * group, Number(padded.slice(4 * group, 4 * group + 4)));
      }
    }
  }

  private valueOf(row: number): bigint {
    return bignumOf(this.bytes.subarray(this.offsets[row], this.offsets[row + 1]));
  }

  private digitsOf(row: number): string {
    // An empty value is that of a null.
    if (this.offsets[row] === this.offsets[row + 1]) return "0";
    const value = this.valueOf(row);
    const digits = (value < 0n ? -value : value).toString();
    if (digits.length > 131_072) throw new RangeError("holds an integer of more than 131,072 digits");
    return digits;
  }
}
