import { describe, expect, it } from "vitest";
import { type DataType, formatDataType } from "../../src/model/data-type.js";
import { losslessStorage } from "../../src/model/lossless-storage.js";

const int = (bits: 8 | 16 | 32 | 64 | 128): DataType => ({ kind: "integer", bits, signed: true });
const uint = (bits: 8 | 16 | 32 | 64 | 128): DataType => ({ kind: "integer", bits, signed: false });
const float = (bits: 32 | 64): DataType => ({ kind: "float", bits });
const decimal = (precision: number, scale: number): DataType => ({ kind: "decimal", precision, scale });
const timestamp = (unit: "s" | "ms" | "us" | "ns", zoned = false): DataType => ({ kind: "timestamp", unit, zoned });
const text: DataType = { kind: "text" };
const struct = (...fields: [string, DataType][]): DataType => ({
  kind: "struct",
  fields: fields.map(([name, type]) => ({ name, type })),
});

const KEPT: [DataType, DataType][] = [
  [int(64), int(64)],
  [int(8), int(16)],
  [uint(32), int(64)],
  [uint(8), uint(64)],
  [int(128), { kind: "bignum" }],
  [int(16), float(32)],
  [uint(32), float(64)],
  [int(32), decimal(10, 0)],
  [int(64), decimal(21, 2)],
  [uint(64), decimal(20, 0)],
  [decimal(18, 0), int(64)],
  [decimal(15, 0), float(64)],
  [decimal(10, 2), decimal(12, 3)],
  [decimal(30, 0), { kind: "bignum" }],
  [float(32), float(64)],
  [{ kind: "enum", values: ["a"] }, text],
  [
    { kind: "enum", values: ["a"] },
    { kind: "enum", values: ["b", "a"] },
  ],
  [{ kind: "json" }, text],
  [{ kind: "null" }, { kind: "uuid" }],
  [struct(["x", int(64)]), { kind: "any" }],
  [timestamp("s"), timestamp("us")],
  [
    { kind: "time", unit: "us", zoned: false },
    { kind: "time", unit: "ns", zoned: false },
  ],
  [
    { kind: "array", item: int(8), length: 3 },
    { kind: "list", item: int(16) },
  ],
  [struct(["x", int(8)]), struct(["x", int(64)])],
];

const LOST: [DataType, DataType][] = [
  [int(64), int(32)],
  [int(8), uint(64)],
  [uint(64), int(64)],
  [int(32), float(32)],
  [int(64), float(64)],
  [int(64), decimal(18, 0)],
  [int(32), decimal(11, 2)],
  [decimal(19, 0), int(64)],
  [decimal(10, 2), float(64)],
  [decimal(10, 2), decimal(10, 3)],
  [decimal(10, 1), int(64)],
  [float(64), float(32)],
  [float(64), decimal(38, 10)],
  [text, { kind: "json" }],
  [int(32), text],
  [{ kind: "uuid" }, text],
  [{ kind: "boolean" }, int(8)],
  [{ kind: "date" }, timestamp("us")],
  [timestamp("us"), timestamp("s")],
  [timestamp("us"), timestamp("ns")],
  [timestamp("us"), timestamp("us", true)],
  [struct(["x", int(8)]), struct(["y", int(8)])],
  [struct(["x", int(8)]), struct(["x", int(8)], ["y", int(8)])],
  [
    { kind: "list", item: int(8) },
    { kind: "array", item: int(8), length: 3 },
  ],
];

const name = ([from, to]: [DataType, DataType]) => `${formatDataType(from)} → ${formatDataType(to)}`;

describe("lossless storage", () => {
  it.each(KEPT.map((pair) => [name(pair), ...pair] as const))("keeps %s", (_name, from, to) => {
    expect(losslessStorage(from, to)).toEqual({ stored: true });
  });

  it.each(LOST.map((pair) => [name(pair), ...pair] as const))("refuses %s", (_name, from, to) => {
    expect(losslessStorage(from, to)).toEqual({
      stored: false,
      reason: `not every ${formatDataType(from)} is a ${formatDataType(to)}`,
    });
  });
});
