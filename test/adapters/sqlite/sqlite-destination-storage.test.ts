import { describe, expect, it } from "vitest";
import { dataTypeOf, declaredType, sqliteStorage } from "../../../src/adapters/sqlite/destination/column-storage.js";
import { type DataType, formatDataType } from "../../../src/model/data-type.js";
import type { Column } from "../../../src/model/table-schema.js";
import { checkedTable, readPage } from "../../docs/pages.js";

const int = (bits: 8 | 16 | 32 | 64 | 128, signed = true): DataType => ({ kind: "integer", bits, signed });
const decimal = (precision: number, scale: number): DataType => ({ kind: "decimal", precision, scale });
const zoned: DataType = { kind: "timestamp", unit: "us", zoned: true };
const timestamp: DataType = { kind: "timestamp", unit: "us", zoned: false };
const ENUM: DataType = { kind: "enum", values: ["a"] };

/** Every type beside the columns that take it, by how SQLite declares them. `-`: no column can be made for it. */
const MATRIX: readonly (readonly [DataType, made: string, takenBy: string])[] = [
  [{ kind: "boolean" }, "BOOLEAN", "BOOLEAN INTEGER untyped"],
  [int(8), "INTEGER", "DECIMAL(10,2) INTEGER NUMERIC REAL STRING untyped"],
  [int(32, false), "INTEGER", "DECIMAL(10,2) INTEGER NUMERIC REAL STRING untyped"],
  [int(64), "INTEGER", "DECIMAL(10,2) INTEGER NUMERIC STRING untyped"],
  [int(64, false), "-", "TEXT untyped"],
  [int(128), "-", "TEXT untyped"],
  [{ kind: "bignum" }, "-", "TEXT untyped"],
  [{ kind: "float", bits: 32 }, "REAL", "DECIMAL(10,2) NUMERIC REAL STRING untyped"],
  [{ kind: "float", bits: 64 }, "REAL", "DECIMAL(10,2) NUMERIC REAL STRING untyped"],
  [decimal(10, 2), "TEXT", "TEXT untyped"],
  [decimal(15, 0), "TEXT", "DECIMAL(10,2) INTEGER NUMERIC REAL STRING TEXT untyped"],
  [{ kind: "text" }, "TEXT", "TEXT untyped"],
  [{ kind: "json" }, "TEXT", "TEXT untyped"],
  [ENUM, "TEXT", "TEXT untyped"],
  [{ kind: "bytes" }, "BLOB", "BLOB untyped"],
  [{ kind: "uuid" }, "UUID", "TEXT UUID untyped"],
  [{ kind: "date" }, "DATE", "DATE TEXT untyped"],
  [{ kind: "time", unit: "us", zoned: false }, "TIME", "TEXT TIME untyped"],
  [timestamp, "TIMESTAMP", "TEXT TIMESTAMP untyped"],
  [zoned, "TIMESTAMPTZ", "TEXT TIMESTAMP untyped"],
  [{ kind: "time", unit: "us", zoned: true }, "-", ""],
  [{ kind: "interval" }, "-", ""],
  [{ kind: "bit" }, "-", ""],
  [{ kind: "list", item: int(8) }, "-", ""],
  [{ kind: "struct", fields: [{ name: "a", type: int(8) }] }, "-", ""],
  [{ kind: "map", key: int(8), value: int(8) }, "-", ""],
];

const DECLARED =
  "BLOB BOOLEAN DATE DECIMAL(10,2) INTEGER JSON NUMERIC REAL STRING TEXT TIME TIMESTAMP UUID untyped".split(" ");

function column(declared: string): Column {
  const nativeType = declared === "untyped" ? "" : declared;
  return { name: "c", type: dataTypeOf(nativeType, false), nullable: true, nativeType };
}

describe("what a SQLite column keeps without loss", () => {
  it.each(MATRIX.map(([type, made, takenBy]) => [formatDataType(type), type, made, takenBy] as const))(
    "%s",
    (_name, type, made, takenBy) => {
      expect(declaredType(type) ?? "-").toBe(made);
      expect(sqliteStorage(type, null).stored).toBe(made !== "-");
      const taking = DECLARED.filter((declared) => sqliteStorage(type, column(declared)).stored);
      expect(taking.sort()).toEqual(takenBy.split(" ").filter(Boolean).sort());
    },
  );

  it("is what the guide says", () => {
    const table = checkedTable(
      readPage("docs/guides/write-into-sqlite.md"),
      "test/adapters/sqlite/sqlite-destination-storage.test.ts",
    );
    const code = (word: string): string => (word === "untyped" ? word : `\`${word}\``);
    expect(table.map((row) => row.slice(0, 3))).toEqual(
      MATRIX.map(([type, made, takenBy]) => [
        code(formatDataType(type)),
        made === "-" ? "none" : code(made),
        takenBy === "" ? "none" : takenBy.split(" ").map(code).join(", "),
      ]),
    );
  });

  it("keeps what it would make", () => {
    for (const [type, made] of MATRIX) {
      if (made !== "-") expect(sqliteStorage(type, column(made))).toEqual({ stored: true });
    }
  });

  it.each([
    [int(128), null, /64 bits; cast it to BIGINT/],
    [{ kind: "null" }, null, /type is unknown/],
    [{ kind: "list", item: int(8) }, "TEXT", /to_json\(\)/],
    [{ kind: "interval" }, null, /INTERVAL; cast it to VARCHAR/],
    [{ kind: "text" }, "STRING", /declared STRING, which SQLite takes for numbers/],
    [decimal(10, 2), "DECIMAL(10,2)", /declared DECIMAL\(10,2\)/],
  ] as [DataType, string | null, RegExp][])("says why not: %j into %s", (type, declared, reason) => {
    const answer = sqliteStorage(type, declared === null ? null : column(declared));
    expect(answer.stored ? "stored" : answer.reason).toMatch(reason);
  });

  it("tells an untyped column of a STRICT table from one that is called ANY elsewhere", () => {
    expect(dataTypeOf("ANY", true)).toEqual({ kind: "any" });
    expect(dataTypeOf("ANY", false)).toEqual({ kind: "opaque", name: "ANY" });
  });
});
