import { describe, expect, it } from "vitest";
import { declaredType, postgresStorage } from "../../../../src/adapters/postgres/destination/column-storage.js";
import { dataTypeOfNative } from "../../../../src/adapters/postgres/native-type.js";
import { type DataType, formatDataType } from "../../../../src/model/data-type.js";
import type { Column } from "../../../../src/model/table-schema.js";
import { checkedTable, readPage } from "../../../docs/pages.js";

const int = (bits: 8 | 16 | 32 | 64 | 128, signed = true): DataType => ({ kind: "integer", bits, signed });
const decimal = (precision: number, scale: number): DataType => ({ kind: "decimal", precision, scale });
const at = (unit: "s" | "ms" | "us" | "ns", zoned = false): DataType => ({ kind: "timestamp", unit, zoned });

/** Every type beside the column that is made for it, and the others that take it. `-`: none. */
const MATRIX: readonly (readonly [DataType, made: string, others: string])[] = [
  [{ kind: "boolean" }, "boolean", ""],
  [int(8), "smallint", "bigint | double precision | integer | numeric | numeric(18,2) | real"],
  [int(8, false), "smallint", "bigint | double precision | integer | numeric | numeric(18,2) | real"],
  [int(16), "smallint", "bigint | double precision | integer | numeric | numeric(18,2) | real"],
  [int(16, false), "integer", "bigint | double precision | numeric | numeric(18,2) | real"],
  [int(32), "integer", "bigint | double precision | numeric | numeric(18,2)"],
  [int(32, false), "bigint", "double precision | numeric | numeric(18,2)"],
  [int(64), "bigint", "numeric"],
  [int(64, false), "numeric(20,0)", "numeric"],
  [int(128), "numeric(39,0)", "numeric"],
  [int(128, false), "numeric(39,0)", "numeric"],
  [{ kind: "bignum" }, "numeric", ""],
  [{ kind: "float", bits: 32 }, "real", "double precision"],
  [{ kind: "float", bits: 64 }, "double precision", ""],
  [decimal(10, 2), "numeric(10,2)", "numeric | numeric(18,2)"],
  [decimal(9, 0), "numeric(9,0)", "bigint | double precision | integer | numeric | numeric(18,2)"],
  [{ kind: "text" }, "text", "varchar(10)"],
  [{ kind: "json" }, "json", "jsonb | text | varchar(10)"],
  [{ kind: "enum", values: ["a"] }, "text", "varchar(10)"],
  [{ kind: "bytes" }, "bytea", ""],
  [{ kind: "bit" }, "bit varying", "bit(3)"],
  [{ kind: "uuid" }, "uuid", ""],
  [{ kind: "date" }, "date", ""],
  [{ kind: "time", unit: "us", zoned: false }, "time without time zone", ""],
  [{ kind: "time", unit: "us", zoned: true }, "time with time zone", ""],
  [{ kind: "time", unit: "ns", zoned: false }, "-", ""],
  [at("s"), "timestamp without time zone", "timestamp(0) without time zone | timestamp(3) without time zone"],
  [at("ms"), "timestamp without time zone", "timestamp(3) without time zone"],
  [at("us"), "timestamp without time zone", ""],
  [at("ns"), "-", ""],
  [at("us", true), "timestamp with time zone", ""],
  [{ kind: "interval" }, "interval", ""],
  [{ kind: "list", item: int(32) }, "integer[]", "bigint[]"],
  [{ kind: "array", item: int(32), length: 3 }, "integer[]", "bigint[]"],
  [{ kind: "list", item: { kind: "list", item: int(32) } }, "-", ""],
  [{ kind: "struct", fields: [{ name: "a", type: int(8) }] }, "-", ""],
  [{ kind: "map", key: int(8), value: int(8) }, "-", ""],
  [{ kind: "union", members: [{ name: "a", type: int(8) }] }, "-", ""],
];

const SPELLINGS: Readonly<Record<string, string>> = { "varchar(10)": "character varying(10)" };

const COLUMNS = [
  ...new Set(
    MATRIX.flatMap(([, made, others]) => [made, ...others.split(" | ")]).filter((name) => !["-", ""].includes(name)),
  ),
  "character(3)",
  "numeric(50,0)",
  "numeric(2,4)",
  "time(3) without time zone",
  "interval(0)",
  "money",
  "point",
  "oid",
];

function column(name: string): Column {
  const nativeType = SPELLINGS[name] ?? name;
  return { name: "c", type: dataTypeOfNative(nativeType), nullable: true, nativeType };
}

describe("what a Postgres column keeps without loss", () => {
  it.each(MATRIX.map(([type, made, others]) => [formatDataType(type), type, made, others] as const))(
    "%s",
    (_name, type, made, others) => {
      expect(declaredType(type) ?? "-").toBe(made);
      expect(postgresStorage(type, null).stored).toBe(made !== "-");
      const own = new Set([made, ...others.split(" | ")]);
      // Of the numerics that are made for other types, whether they are wide enough is no matter of this table.
      const asked = COLUMNS.filter((name) => own.has(name) || !/^numeric\((?!18)/.test(name));
      const taking = asked.filter((name) => postgresStorage(type, column(name)).stored);
      expect(taking.sort()).toEqual([...own].filter((name) => !["-", ""].includes(name)).sort());
    },
  );

  it("is what the guide says", () => {
    const guide = readPage("docs/guides/postgres.md");
    const table = checkedTable(guide, "test/adapters/postgres/destination/column-storage.test.ts");
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
