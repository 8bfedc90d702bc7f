import { expect, it } from "vitest";
import { lanceStorage } from "../../../src/adapters/lance/column-storage.js";
import { type DataType, formatDataType } from "../../../src/model/data-type.js";
import { checkedTable, codeIn, readPage } from "../../docs/pages.js";

const int = (bits: 8 | 16 | 32 | 64 | 128, signed = true): DataType => ({ kind: "integer", bits, signed });
const float = (bits: 32 | 64): DataType => ({ kind: "float", bits });
const struct = (type: DataType): DataType => ({ kind: "struct", fields: [{ name: "a", type }] });
const time = (zoned: boolean): DataType => ({ kind: "time", unit: "us", zoned });
const timestamp = (unit: "ms" | "us", zoned = false): DataType => ({ kind: "timestamp", unit, zoned });

/** Beside which columns take them. */
const TYPES: readonly DataType[] = [
  { kind: "boolean" },
  int(8),
  int(32, false),
  int(64),
  int(64, false),
  int(128),
  float(32),
  float(64),
  { kind: "decimal", precision: 10, scale: 2 },
  { kind: "text" },
  { kind: "json" },
  { kind: "enum", values: ["a"] },
  { kind: "bytes" },
  { kind: "uuid" },
  { kind: "date" },
  time(false),
  timestamp("ms"),
  timestamp("us"),
  timestamp("us", true),
  { kind: "array", item: float(32), length: 3 },
  { kind: "list", item: float(32) },
  struct(int(8)),
  { kind: "array", item: { kind: "text" }, length: 2 },
  { kind: "interval" },
  { kind: "bignum" },
  time(true),
  { kind: "map", key: int(8), value: int(8) },
  { kind: "union", members: [{ name: "a", type: int(8) }] },
];

const COLUMNS: readonly DataType[] = [
  { kind: "boolean" },
  int(8),
  int(32),
  int(32, false),
  int(64),
  float(32),
  float(64),
  { kind: "decimal", precision: 10, scale: 2 },
  { kind: "decimal", precision: 18, scale: 2 },
  { kind: "decimal", precision: 18, scale: 3 },
  { kind: "text" },
  { kind: "bytes" },
  { kind: "uuid" },
  { kind: "date" },
  time(false),
  timestamp("us"),
  { kind: "array", item: float(32), length: 3 },
  { kind: "list", item: float(32) },
  struct(int(64)),
];

it("takes what the guide says, and nothing else", () => {
  const rows = checkedTable(readPage("docs/guides/lance.md"), "test/adapters/lance/lance-storage.test.ts");
  expect(rows.map(([type]) => codeIn(type))).toEqual(TYPES.map(formatDataType));
  for (const [index, type] of TYPES.entries()) {
    const [name, made, takenBy] = rows[index]!;
    expect(lanceStorage(type, null).stored, `${name}: a new column`).toBe(made !== "none");
    const taking = COLUMNS.filter((column) => {
      return lanceStorage(type, { name: "c", type: column, nullable: true }).stored;
    });
    const named = (takenBy ?? "").startsWith("none")
      ? []
      : (takenBy ?? "").split("`, `").map((text) => text.replaceAll("`", ""));
    expect(taking.map(formatDataType), `${name}: columns`).toEqual(named);
  }
});

it("takes nothing into a column that can only be read", () => {
  const column = { name: "c", type: { kind: "text" }, nullable: true, nativeType: "Dictionary<Int32, Utf8>" } as const;
  expect(lanceStorage({ kind: "text" }, column)).toEqual({
    stored: false,
    reason: expect.stringContaining("Dictionary<Int32, Utf8>") as string,
  });
});
