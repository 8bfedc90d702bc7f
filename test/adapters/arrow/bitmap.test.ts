import { describe, expect, it } from "vitest";
import {
  type Bitmap,
  bitmapBytes,
  copyBits,
  countClear,
  intersect,
  isSet,
  repeatBits,
  setBits,
} from "../../../src/adapters/arrow/bitmap.js";
import { seededRandom } from "../../crash/seeded-random.js";

const SEED = Number(process.env["MILLRACE_SEED"] ?? Date.now() % 1_000_000);

const bitsOf = (bitmap: Bitmap, count: number): boolean[] =>
  Array.from({ length: count }, (_, bit) => isSet(bitmap, bit));

describe(`bits, against the same done with arrays (MILLRACE_SEED=${SEED})`, () => {
  const random = seededRandom(SEED);
  const below = (limit: number): number => Math.floor(random() * limit);
  const noise = (bytes: number): Bitmap => Uint8Array.from({ length: bytes }, () => below(256));

  it("are copied, kept in front, counted and set at any offset", () => {
    for (let trial = 0; trial < 3_000; trial++) {
      const [from, to, count] = [below(40), below(40), below(70)];
      const source = noise(bitmapBytes(from + count));
      const target = noise(bitmapBytes(to + count) + 1);
      const [sent, before] = [bitsOf(source, from + count).slice(from), bitsOf(target, to)];
      const all = target.slice();
      copyBits(target, to, source, from, count);
      const told = `${count} bits from ${from} to ${to}`;
      expect(bitsOf(target, to + count), told).toEqual([...before, ...sent]);
      expect(countClear(source, from, count), told).toBe(sent.filter((bit) => !bit).length);
      setBits(all, to, count);
      expect(bitsOf(all, to + count), told).toEqual([...before, ...sent.map(() => true)]);
    }
  });

  it("are intersected, where null stands for all of them", () => {
    const [one, other] = [noise(9), noise(9)];
    const both = bitsOf(one, 72).map((bit, index) => bit && isSet(other, index));
    expect(bitsOf(intersect(one.slice(), other)!, 72)).toEqual(both);
    expect(intersect(null, other)).toBe(other);
    expect(intersect(one, null)).toBe(one);
    expect(intersect(null, null)).toBeNull();
  });

  it("are repeated for the items of fixed-size lists", () => {
    const bits = noise(4);
    const repeated = bitsOf(bits, 30).flatMap((bit) => [bit, bit, bit]);
    expect(bitsOf(repeatBits(bits, 30, 3)!, 90)).toEqual(repeated);
    expect(repeatBits(null, 30, 3)).toBeNull();
  });
});
