import type { Data } from "apache-arrow";
import { hugeintOf } from "../../../model/binary-integers.js";
import { decimalText } from "../../../model/value-text.js";
import { MINUS, POINT, writeAscii, writePadded, writeWhole } from "../../sql/digits.js";
import { type FieldWriter, valuesAs, valuesView } from "./field-writer.js";

const TWO_32 = 0x1_0000_0000;
/** The upper half of 2^53, up to which a double counts exactly. */
const SAFE_HIGH = 0x20_0000;

/** What writes values of a bounded number of bytes. */
abstract class BoundedField implements FieldWriter {
  /** @param most how many bytes. */
  constructor(private readonly most: number) {}

  abstract open(column: Data): void;
  abstract write(bytes: Uint8Array, at: number, row: number): number;

  room(): number {
    return this.most;
  }
}

export class BooleanField extends BoundedField {
  private bits: Uint8Array = new Uint8Array(0);
  private firstBit = 0;

  constructor() {
    super(1);
  }

  open(column: Data): void {
    this.bits = column.values as Uint8Array;
    this.firstBit = column.offset;
  }

  write(bytes: Uint8Array, at: number, row: number): number {
    const bit = this.firstBit + row;
    bytes[at] = 0x30 + ((this.bits[bit >> 3]! >> (bit & 7)) & 1);
    return at + 1;
  }
}

/** An integer of up to 32 bits. */
export class SmallIntegerField extends BoundedField {
  private values: ArrayLike<number> = [];

  constructor() {
    super(11);
  }

  open(column: Data): void {
    this.values = column.values as Int32Array;
  }

  write(bytes: Uint8Array, at: number, row: number): number {
    const value = this.values[row]!;
    if (value >= 0) return writeWhole(bytes, at, value);
    bytes[at] = MINUS;
    return writeWhole(bytes, at + 1, -value);
  }
}

/** An integer of 64 bits. */
export class LargeIntegerField extends BoundedField {
  private words = new Int32Array(0);

  constructor(private readonly signed: boolean) {
    super(20);
  }

  open(column: Data): void {
    this.words = valuesAs(Int32Array, column);
  }

  write(bytes: Uint8Array, at: number, row: number): number {
    const low = this.words[2 * row]! >>> 0;
    const high = this.signed ? this.words[2 * row + 1]! : this.words[2 * row + 1]! >>> 0;
    if (high >= SAFE_HIGH || high < -SAFE_HIGH) {
      return writeAscii(bytes, at, ((BigInt(high) << 32n) | BigInt(low)).toString());
    }
    const value = high * TWO_32 + low;
    if (value >= 0) return writeWhole(bytes, at, value);
    bytes[at] = MINUS;
    return writeWhole(bytes, at + 1, -value);
  }
}

/** An integer of 128 bits. */
export class HugeIntegerField extends BoundedField {
  private values: DataView = new DataView(new ArrayBuffer(0));

  constructor(private readonly signed: boolean) {
    super(40);
  }

  open(column: Data): void {
    this.values = valuesView(column);
  }

  write(bytes: Uint8Array, at: number, row: number): number {
    return writeAscii(bytes, at, hugeintOf(this.values, 16 * row, this.signed).toString());
  }
}

/** How many decimals a number keeps whose unscaled digits are a double. */
const MOST_QUICK_DECIMALS = 15;

export class DecimalField extends BoundedField {
  private values: DataView = new DataView(new ArrayBuffer(0));
  private readonly unit: number;

  /** @param scale how many digits stand behind the point. */
  constructor(private readonly scale: number) {
    super(41);
    this.unit = 10 ** scale;
  }

  open(column: Data): void {
    this.values = valuesView(column);
  }

  write(bytes: Uint8Array, at: number, row: number): number {
    const { values, scale, unit } = this;
    const from = 16 * row;
    const high = values.getInt32(from + 4, true);
    const sign = high >> 31;
    const isShort = values.getInt32(from + 8, true) === sign && values.getInt32(from + 12, true) === sign;
    if (!isShort || high >= SAFE_HIGH || high < -SAFE_HIGH || scale > MOST_QUICK_DECIMALS) {
      return writeAscii(bytes, at, decimalText(hugeintOf(values, from, true), scale));
    }
    let unscaled = high * TWO_32 + values.getUint32(from, true);
    if (unscaled < 0) {
      bytes[at++] = MINUS;
      unscaled = -unscaled;
    }
    if (scale === 0) return writeWhole(bytes, at, unscaled);
    const whole = Math.floor(unscaled / unit);
    at = writeWhole(bytes, at, whole);
    bytes[at++] = POINT;
    return writeFraction(bytes, at, unscaled - whole * unit, scale);
  }
}

/** Up to 15 digits. */
function writeFraction(bytes: Uint8Array, at: number, value: number, digits: number): number {
  if (digits <= 9) return writePadded(bytes, at, value, digits);
  const upper = Math.floor(value / 1_000_000_000);
  return writePadded(bytes, writePadded(bytes, at, upper, digits - 9), value - upper * 1_000_000_000, 9);
}

/** A float of 32 or 64 bits, with the digits that give the same one of 64 bits. */
export class FloatField extends BoundedField {
  private values: ArrayLike<number> = [];

  constructor() {
    super(32);
  }

  open(column: Data): void {
    this.values = column.values as Float64Array;
  }

  write(bytes: Uint8Array, at: number, row: number): number {
    const value = this.values[row]!;
    if (Number.isFinite(value)) return writeAscii(bytes, at, String(value));
    throw new RangeError("holds NaN or infinity, which MySQL does not have");
  }
}
