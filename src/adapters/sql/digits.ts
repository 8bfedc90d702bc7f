/* Numbers as decimal digits, written as bytes. Each gives the place behind what it wrote. */

const ZERO = 0x30;
export const MINUS = 0x2d;
export const POINT = 0x2e;
const BILLION = 1_000_000_000;

/** A whole number from 0 to 2^53. */
export function writeWhole(bytes: Uint8Array, at: number, value: number): number {
  if (value < BILLION) return writeShort(bytes, at, value);
  const upper = Math.floor(value / BILLION);
  return writePadded(bytes, writeShort(bytes, at, upper), value - upper * BILLION, 9);
}

function writeShort(bytes: Uint8Array, at: number, value: number): number {
  let width = 1;
  for (let limit = 10; limit <= value; limit *= 10) width += 1;
  return writePadded(bytes, at, value, width);
}

/** A whole number below 2^31 with so many digits. */
export function writePadded(bytes: Uint8Array, at: number, value: number, width: number): number {
  const end = at + width;
  let left = value;
  for (let place = end - 1; place >= at; place--) {
    const next = (left / 10) | 0;
    bytes[place] = ZERO + left - next * 10;
    left = next;
  }
  return end;
}

/** Text of nothing but ASCII. */
export function writeAscii(bytes: Uint8Array, at: number, text: string): number {
  for (let index = 0; index < text.length; index++) bytes[at + index] = text.charCodeAt(index);
  return at + text.length;
}
