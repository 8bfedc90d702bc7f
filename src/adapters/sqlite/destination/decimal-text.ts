import { hugeintOf } from "../../../model/binary-integers.js";
import { decimalText } from "../../../model/value-text.js";
import { MINUS, POINT, writeAscii, writePadded, writeWhole } from "../../sql/digits.js";

/** A sign, 38 digits, a zero before the point, and the point. */
export const MOST_DECIMAL = 41;

/** By how many digits stand behind the point, as long as these fit 32 bits. */
const UNITS: readonly (number | undefined)[] = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/** Writes a decimal from its unscaled 128 bits, which begin at a byte of `values`. */
export function writeDecimal(bytes: Uint8Array, at: number, values: DataView, from: number, scale: number): number {
  const unit = UNITS[scale];
  const high = values.getInt32(from + 4, true);
  const sign = high >> 31;
  const isShort = values.getInt32(from + 8, true) === sign && values.getInt32(from + 12, true) === sign;
  // Up to 2^53 a double counts exactly, and costs a tenth of a bigint.
  if (!isShort || high < -0x20_0000 || high >= 0x20_0000 || unit === undefined) {
    return writeAscii(bytes, at, decimalText(hugeintOf(values, from, true), scale));
  }
  let left = high * 0x1_0000_0000 + values.getUint32(from, true);
  if (left < 0) {
    bytes[at++] = MINUS;
    left = -left;
  }
  if (scale === 0) return writeWhole(bytes, at, left);
  const whole = Math.floor(left / unit);
  at = writeWhole(bytes, at, whole);
  bytes[at] = POINT;
  return writePadded(bytes, at + 1, left - whole * unit, scale);
}
