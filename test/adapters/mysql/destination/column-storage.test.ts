import { describe, expect, it } from "vitest";
import { declaredType, mysqlStorage } from "../../../../src/adapters/mysql/destination/column-storage.js";
import { dataTypeOfNative } from "../../../../src/adapters/mysql/native-type.js";
import { type DataType, formatDataType } from "../../../../src/model/data-type.js";
import type { Column } from "../../../../src/model/table-schema.js";
import { checkedTable, readPage } from "../../../docs/pages.js";

const int = (bits: 8 | 16 | 32 | 64 | 128, signed = true): DataType => ({ kind: "integer", bits, signed });
const decimal = (precision: number, scale: number): DataType => ({ kind: "decimal", precision, scale });
const at = (unit: "s" | "ms" | "us" | "ns", zoned = false): DataType => ({ kind: "timestamp", unit, zoned });

const TEXTS = "char(10) | text | varchar(10)";

/** Every type beside the column that is made for it, and the others that take it. `-`: none. */
const MATRIX: readonly (readonly [DataType, made: string, others: string])[] = [
  [{ kind: "boolean" }, "boolean", ""],
  [int(8), "tinyint", "bigint | decimal(18,2) | double | float | int | mediumint | smallint"],
  [
    int(8, false),
    "tinyint unsigned",
    "bigint | bigint unsigned | decimal(18,2) | decimal(20,0) unsigned | double | float | int | int unsigned | mediumint | smallint | smallint unsigned",
  ],
  [int(16), "smallint", "bigint | decimal(18,2) | double | float | int | mediumint"],
  [
    int(16, false),
    "smallint unsigned",
    "bigint | bigint unsigned | decimal(18,2) | decimal(20,0) unsigned | double | float | int | int unsigned | mediumint",
  ],
  [int(32), "int", "bigint | decimal(18,2) | double"],
  [int(32, false), "int unsigned", "bigint | bigint unsigned | decimal(18,2) | decimal(20,0) unsigned | double"],
  [int(64), "bigint", ""],
  [int(64, false), "bigint unsigned", "decimal(20,0) unsigned"],
  [int(128), "decimal(39,0)", ""],
  [int(128, false), "decimal(39,0)", ""],
  [{ kind: "bignum" }, "-", ""],
  [{ kind: "float", bits: 32 }, "float", "double"],
  [{ kind: "float", bits: 64 }, "double", ""],
  [decimal(10, 2), "decimal(10,2)", "decimal(18,2)"],
  [decimal(9, 0), "decimal(9,0)", "bigint | decimal(18,2) | double | int"],
  [decimal(38, 31), "-", ""],
  [{ kind: "text" }, "longtext", TEXTS],
  [{ kind: "json" }, "json", `longtext | ${TEXTS}`],
  [{ kind: "enum", values: ["a"] }, "longtext", `enum('a','b') | ${TEXTS}`],
  [{ kind: "bytes" }, "longblob", "binary(3) | blob | varbinary(3)"],
  [{ kind: "bit" }, "-", "bit(3)"],
  [{ kind: "uuid" }, "char(36)", "uuid"],
  [{ kind: "date" }, "date", ""],
  [{ kind: "time", unit: "us", zoned: false }, "time(6)", ""],
  [{ kind: "time", unit: "us", zoned: true }, "-", ""],
  [{ kind: "time", unit: "ns", zoned: false }, "-", ""],
  [at("s"), "datetime", "datetime(3) | datetime(6)"],
  [at("ms"), "datetime(3)", "datetime(6)"],
  [at("us"), "datetime(6)", ""],
  [at("ns"), "-", ""],
  [at("us", true), "timestamp(6)", ""],
  [{ kind: "interval" }, "-", ""],
  [{ kind: "list", item: int(32) }, "-", ""],
  [{ kind: "array", item: int(32), length: 3 }, "-", ""],
  [{ kind: "struct", fields: [{ name: "a", type: int(8) }] }, "-", ""],
  [{ kind: "map", key: int(8), value: int(8) }, "-", ""],
  [{ kind: "union", members: [{ name: "a", type: int(8) }] }, "-", ""],
];

const SPELLINGS: Readonly<Record<string, string>> = { boolean: "tinyint(1)" };

const NONE: readonly string[] = ["-", ""];

const COLUMNS = [
  ...new Set(
    MATRIX.flatMap(([, made, others]) => [made, ...others.split(" | ")]).filter((name) => !NONE.includes(name)),
  ),
  "float(10,2)",
  "double unsigned",
  "decimal(10,2) unsigned",
  "time",
  "year",
  "set('a','b')",
  "point",
  "inet6",
];

function column(name: string): Column {
  const nativeType = SPELLINGS[name] ?? name;
  return { name: "c", type: dataTypeOfNative(nativeType), nullable: true, nativeType };
}

describe("what a MySQL column keeps without loss", () => {
  it.each(MATRIX.map(([type, made, others]) => [formatDataType(type), type, made, others] as const))(
    "%s",
    (_name, type, made, others) => {
      // The guide leaves out what only spells the default.
      expect(declaredType(type)?.replace(" null default null", "") ?? "-").toBe(made);
      expect(mysqlStorage(type, null).stored).toBe(made !== "-");
      const own = new Set([made, ...others.split(" | ")]);
      // Of the columns that are made for other types, whether they are wide enough is no matter of this table.
      const asked = COLUMNS.filter((name) => own.has(name) || !/^(?:decimal\((?!18|20)|char\(36|boolean)/.test(name));
      const taking = asked.filter((name) => mysqlStorage(type, column(name)).stored);
      expect(taking.sort()).toEqual([...own].filter((name) => !NONE.includes(name)).sort());
    },
  );

  it("is what the guide says", () => {
    const guide = readPage("docs/guides/mysql.md");
    const table = checkedTable(guide, "test/adapters/mysql/destination/column-storage.test.ts");
    const code = (word: string): string => `\`${word}\``;
    expect(table.map((row) => row.slice(0, 3))).toEqual(
      MATRIX.map(([type, made, others]) => [
        code(formatDataType(type)),
        made === "-" ? "none" : code(made),
        others === "" ? "none" : others.split(" | ").map(code).join(", "),
      ]),
    );
  });
});
