/**
 * Bits in bytes, the first bit lowest: the layout of validity both in DuckDB and in Arrow, where a set bit is a value
 * and a clear one a null.
 */
export type Bitmap = Uint8Array;

export function bitmapBytes(bits: number): number {
  return (bits + 7) >> 3;
}

export function isSet(bitmap: Bitmap, bit: number): boolean {
  return ((bitmap[bit >> 3]! >> (bit & 7)) & 1) === 1;
}

/**
 * Copies `count` bits. Bits of the target beyond them are left undefined, so targets are filled from front to back; the
 * target needs one byte more than its bits.
 */
export function copyBits(target: Bitmap, targetBit: number, source: Bitmap, sourceBit: number, count: number): void {
  if (count === 0) return;
  const from = sourceBit >> 3;
  const to = targetBit >> 3;
  const sourceShift = sourceBit & 7;
  const targetShift = targetBit & 7;
  if (sourceShift === 0 && targetShift === 0) {
    target.set(source.subarray(from, from + bitmapBytes(count)), to);
    return;
  }
  let carried = target[to]! & ((1 << targetShift) - 1);
  const bytes = bitmapBytes(count);
  for (let index = 0; index < bytes; index++) {
    const low = source[from + index]! >> sourceShift;
    const high = sourceShift === 0 ? 0 : (source[from + index + 1] ?? 0) << (8 - sourceShift);
    const byte = ((low | high) & 0xff) << targetShift;
    target[to + index] = carried | byte;
    carried = byte >> 8;
  }
  if (targetShift > 0) target[to + bytes] = carried;
}

/** Sets `count` bits. The bits before them are kept; those after them in the last byte are set too. */
export function setBits(target: Bitmap, start: number, count: number): void {
  if (count === 0) return;
  const first = start >> 3;
  const last = (start + count - 1) >> 3;
  const kept = target[first]! & ((1 << (start & 7)) - 1);
  target.fill(0xff, first, last + 1);
  target[first] = kept | (0xff << (start & 7));
}

/** How many of `count` bits are clear: the nulls of a range. */
export function countClear(bitmap: Bitmap, start: number, count: number): number {
  let set = 0;
  let bit = start;
  const end = start + count;
  while (bit < end && (bit & 7) !== 0) set += isSet(bitmap, bit++) ? 1 : 0;
  for (; bit + 8 <= end; bit += 8) {
    let byte = bitmap[bit >> 3]!;
    byte -= (byte >> 1) & 0x55;
    byte = (byte & 0x33) + ((byte >> 2) & 0x33);
    set += (byte + (byte >> 4)) & 0x0f;
  }
  while (bit < end) set += isSet(bitmap, bit++) ? 1 : 0;
  return count - set;
}

/** The rows that are set in both; null stands for all rows. The first may be changed and returned. */
export function intersect(own: Bitmap | null, other: Bitmap | null): Bitmap | null {
  if (own === null || other === null) return own ?? other;
  for (let index = 0; index < own.length; index++) own[index]! &= other[index]!;
  return own;
}

/** Each of `count` bits repeated `times`: what the nulls of fixed-size lists mean for their items. */
export function repeatBits(bitmap: Bitmap | null, count: number, times: number): Bitmap | null {
  if (bitmap === null) return null;
  const repeated = new Uint8Array(bitmapBytes(count * times));
  for (let bit = 0; bit < count * times; bit++) {
    if (isSet(bitmap, Math.floor(bit / times))) repeated[bit >> 3]! |= 1 << (bit & 7);
  }
  return repeated;
}
