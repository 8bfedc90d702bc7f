import { strict as assert } from "node:assert";
import { type DataType, formatDataType } from "../../model/data-type.js";
import type { TableSchema } from "../../model/table-schema.js";
import type { SampleValue } from "../rows/column-buffers.js";
import { type DestinationFixture, write } from "./destination-fixture.js";

/** A type and values of it that are easily lost: the ends of its range and what looks like something else. */
interface TypeSample {
  readonly type: DataType;
  readonly values: readonly SampleValue[];
}

const DAY_1 = -719_162;
const LAST_DAY = 2_932_896;
const DAY_US = 86_400_000_000n;

const TYPE_SAMPLES: readonly TypeSample[] = [
  { type: { kind: "boolean" }, values: [true, false] },
  ...([8, 16, 32, 64] as const).map((bits) => integers(bits, true)),
  ...([8, 16, 32, 64] as const).map((bits) => integers(bits, false)),
  integers(128, true),
  { type: { kind: "bignum" }, values: [0n, 255n, -256n, 10n ** 50n, -(10n ** 50n)] },
  { type: { kind: "float", bits: 32 }, values: [0, 1.5, -(2 ** 127), 2 ** -149] },
  { type: { kind: "float", bits: 64 }, values: [0, 1, 0.1, -1 / 3, 2 ** 53, Number.MAX_VALUE, Number.MIN_VALUE] },
  { type: { kind: "decimal", precision: 4, scale: 1 }, values: [0n, 19n, -9_999n] },
  { type: { kind: "decimal", precision: 18, scale: 3 }, values: [1n, 1_000n, 10n ** 18n - 1n, -(10n ** 17n)] },
  { type: { kind: "decimal", precision: 38, scale: 10 }, values: [1n, 10n ** 38n - 1n, 1n - 10n ** 38n] },
  { type: { kind: "text" }, values: ["", "007", "1.0", "1e3", " 1", "nan", "2001-01-01", "true"] },
  { type: { kind: "json" }, values: ['{"b":1,"a":[1.0,1e400]}', "1.0", "null", '"x"'] },
  { type: { kind: "enum", values: ["b", "a", "1"] }, values: ["a", "b", "1"] },
  { type: { kind: "bytes" }, values: [new Uint8Array(), Uint8Array.of(0), Uint8Array.of(0xff, 0, 0x31, 0xc3)] },
  { type: { kind: "uuid" }, values: ["00000000-0000-0000-0000-000000000000", "12345678-1e10-4000-8000-ffffffffffff"] },
  { type: { kind: "date" }, values: [0, DAY_1, LAST_DAY, 11_016] },
  { type: { kind: "time", unit: "us", zoned: false }, values: [0n, 1n, 45_296_123_456n, DAY_US - 1n] },
  ...([false, true] as const).flatMap((zoned) => [
    { type: { kind: "timestamp", unit: "s", zoned }, values: [0n, -1n, 978_307_260n] } as const,
    { type: { kind: "timestamp", unit: "ms", zoned }, values: [0n, -1n, 978_307_260_010n] } as const,
    {
      type: { kind: "timestamp", unit: "us", zoned },
      values: [0n, -1n, 978_307_260_000_001n, BigInt(DAY_1) * DAY_US, BigInt(LAST_DAY) * DAY_US + DAY_US - 1n],
    } as const,
    { type: { kind: "timestamp", unit: "ns", zoned }, values: [0n, -1n, 978_307_260_000_000_001n] } as const,
  ]),
];

/** For every type: a destination keeps its values exactly, or says before any row that it cannot. */
export const typeClauses = Object.fromEntries(
  TYPE_SAMPLES.map((sample) => [
    `values of type ${formatDataType(sample.type)} come back exactly, or the type is refused`,
    (fixture: DestinationFixture) => comesBackExactly(fixture, sample),
  ]),
);

async function comesBackExactly(fixture: DestinationFixture, { type, values }: TypeSample): Promise<void> {
  const schema: TableSchema = {
    columns: [
      { name: "n", type: { kind: "integer", bits: 32, signed: true }, nullable: true },
      { name: "value", type, nullable: true },
    ],
  };
  const destination = fixture.destination("typed");
  const answer = destination.storage?.(type, null) ?? { stored: true };
  if (!answer.stored) {
    assert.notEqual(answer.reason, "", "a refusal says why");
    return;
  }
  await fixture.prepare?.("typed", schema);
  const given = [...values, null];
  const steps = [given.map((value, n) => ({ n, value })), [{ n: given.length, value: given[0] ?? null }]];
  await write(destination, { commitId: "a", table: "typed", schema, steps, createIfMissing: true });
  const rows = [...((await fixture.read("typed")) ?? [])].sort((left, right) => Number(left["n"]) - Number(right["n"]));
  const expected = [...given, given[0] ?? null].map((value) => {
    return value === null ? null : (fixture.readsAs?.(type, value) ?? value);
  });
  assert.deepEqual(
    rows.map((row) => comparable(row["value"])),
    expected.map(comparable),
  );
}

/** A Buffer and a Uint8Array of the same bytes are the same value. */
function comparable(value: unknown): unknown {
  return value instanceof Uint8Array ? { bytes: [...value] } : value;
}

function integers(bits: 8 | 16 | 32 | 64 | 128, signed: boolean): TypeSample {
  const highest = 1n << BigInt(signed ? bits - 1 : bits);
  const values = [0n, 1n, highest - 1n, highest / 2n, signed ? -highest : 2n];
  // Beyond 2^53 a float would give a neighbour.
  if (bits > 53) values.push(2n ** 53n + 1n);
  return { type: { kind: "integer", bits, signed }, values };
}
