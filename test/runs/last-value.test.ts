import { describe, expect, it } from "vitest";
import type { DataType } from "../../src/model/data-type.js";
import { lastValue } from "../../src/runs/last-value.js";
import type { SampleValue } from "../../src/testing/rows/column-buffers.js";
import { recordBatch } from "../../src/testing/rows/record-batch.js";
import { seededRandom } from "../crash/seeded-random.js";

const SEED = Number(process.env["MILLRACE_SEED"] ?? Math.floor(Math.random() * 1e9));

type Numeric = number | bigint;

/** What a type's values are drawn from, how they sort, and how the last one is shown. */
interface Sort {
  readonly type: DataType;
  readonly draw: (random: () => number) => SampleValue;
  readonly compare: (left: SampleValue, right: SampleValue) => number;
  readonly show?: (value: SampleValue) => unknown;
}

const bySize = (left: SampleValue, right: SampleValue): number =>
  (left as Numeric) < (right as Numeric) ? -1 : Number((left as Numeric) > (right as Numeric));
const byBytes = (left: SampleValue, right: SampleValue): number =>
  Buffer.compare(Buffer.from(left as string), Buffer.from(right as string));

/** Often equal in their high words, or in their low ones. */
function wide(bits: number, signed: boolean): Sort["draw"] {
  return (random) => {
    const words = Array.from({ length: bits / 32 }, () =>
      BigInt([0, 1, 2 ** 31, 2 ** 32 - 1][Math.floor(random() * 4)]!),
    );
    const value = words.reduce((sum, word) => (sum << 32n) + word, 0n);
    return signed ? BigInt.asIntN(bits, value) : value;
  };
}

const LETTERS = ["", "a", "b", "é", "\uFFFD", "\u{1F986}"];

const SORTS: readonly Sort[] = [
  {
    type: { kind: "integer", bits: 32, signed: true },
    draw: (random) => Math.floor(random() * 100) - 50,
    compare: bySize,
  },
  { type: { kind: "float", bits: 64 }, draw: (random) => random() - 0.5, compare: bySize },
  { type: { kind: "integer", bits: 64, signed: true }, draw: wide(64, true), compare: bySize },
  { type: { kind: "integer", bits: 64, signed: false }, draw: wide(64, false), compare: bySize },
  { type: { kind: "integer", bits: 128, signed: true }, draw: wide(128, true), compare: bySize },
  { type: { kind: "integer", bits: 128, signed: false }, draw: wide(128, false), compare: bySize },
  {
    type: { kind: "text" },
    draw: (random) => Array.from({ length: 3 }, () => LETTERS[Math.floor(random() * LETTERS.length)]).join(""),
    compare: byBytes,
  },
];

describe(`the last value of a column, drawn from seed ${SEED}`, () => {
  it.each(
    SORTS.flatMap((sort) => [
      { ...sort, take: "max" as const },
      { ...sort, take: "min" as const },
    ]),
  )("is the $take of $type, over batches, slices and nulls", ({ type, draw, compare, take }) => {
    const random = seededRandom(SEED);
    const schema = { columns: [{ name: "v", type, nullable: true }] };
    for (let trial = 0; trial < 100; trial++) {
      const last = lastValue(type, take);
      const all: SampleValue[] = [];
      for (let batch = 0; batch < 3; batch++) {
        const nulls = random() < 0.5 ? 0.3 : 0;
        const values = Array.from({ length: 20 }, () => (random() < nulls ? null : draw(random)));
        const from = Math.floor(random() * 10);
        const to = from + Math.floor(random() * 10);
        const { data } = recordBatch(
          schema,
          values.map((v) => ({ v })),
        ).slice(from, to);
        last.take(data.children[0]!);
        all.push(...values.slice(from, to).filter((value) => value !== null));
        // What becomes of a batch afterwards is the reader's business.
        new Uint8Array((data.children[0]!.values as Uint8Array).buffer).fill(0x7f);
      }
      const sorted = all.sort(compare);
      const expected = take === "max" ? sorted.at(-1) : sorted[0];
      expect(last.value()).toEqual(expected);
    }
  });

  it.each(["max", "min"] as const)("is NaN where there is one, whatever comes after it: %s", (take) => {
    const type: DataType = { kind: "float", bits: 64 };
    const last = lastValue(type, take);
    const schema = { columns: [{ name: "v", type, nullable: true }] };
    for (const values of [
      [1, Number.NaN, 2],
      [3, null, Number.NEGATIVE_INFINITY],
    ]) {
      last.take(
        recordBatch(
          schema,
          values.map((v) => ({ v })),
        ).data.children[0]!,
      );
    }
    expect(last.value()).toBeNaN();
  });

  it("is not there where there are only nulls", () => {
    for (const { type } of SORTS) {
      const last = lastValue(type, "max");
      const schema = { columns: [{ name: "v", type, nullable: true }] };
      last.take(recordBatch(schema, [{ v: null }, { v: null }]).data.children[0]!);
      last.take(recordBatch(schema, []).data.children[0]!);
      expect(last.value()).toBeUndefined();
    }
  });
});
