import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseDataType } from "../../src/jobs/parse-data-type.js";
import { formatDataType, type DataType } from "../../src/model/data-type.js";

// What fails prints its seed.
const SEED = Number(process.env["MILLRACE_SEED"] ?? 20_250_917);

const formatted = (text: string) => {
  const { type, problem } = parseDataType(text);
  return type === undefined ? problem : formatDataType(type);
};

describe("parseDataType", () => {
  it.each([
    ["int", "INTEGER"],
    ["  Integer ", "INTEGER"],
    ["text[]", "VARCHAR[]"],
    ["int [ 3 ] []", "INTEGER[3][]"],
    ["decimal", "DECIMAL(18,3)"],
    ["Numeric( 5 )", "DECIMAL(5,0)"],
    ["dec(38,38)[]", "DECIMAL(38,38)[]"],
    ["double  precision", "DOUBLE"],
    ["timestamp\twith time  zone[]", "TIMESTAMP WITH TIME ZONE[]"],
    ["time without time zone", "TIME"],
    ["character varying", "VARCHAR"],
    ["enum('a', 'it''s',\"\")".replace('""', "''"), "ENUM('a', 'it''s', '')"],
    ['struct(a int, "b ""c" row(d date[]))', 'STRUCT("a" INTEGER, "b ""c" STRUCT("d" DATE[]))'],
    ["map(varchar,map(int, double[2]))", "MAP(VARCHAR, MAP(INTEGER, DOUBLE[2]))"],
    ["union(n int, s text)", 'UNION("n" INTEGER, "s" VARCHAR)'],
    ["struct(int int)", 'STRUCT("int" INTEGER)'],
  ])("reads %s as %s", (text, expected) => {
    expect(formatted(text)).toBe(expected);
  });

  it.each([
    ["DUOBLE", 'Did you mean "DOUBLE"?'],
    ["interger[]", 'Did you mean "INTEGER"?'],
    ["varchar(10)", "takes no argument"],
    ["timestamp(3)", "takes no argument"],
    ["char(3)", "takes no argument"],
    ["decimal(0)", "1 to 38"],
    ["decimal(39)", "1 to 38"],
    ["decimal(5,6)", "scale"],
    ["decimal(5,-1)", "left over"],
    ["int[0]", "1 to 100,000"],
    ["int[100001]", "1 to 100,000"],
    ["int[-1]", "left over"],
    ["", "missing"],
    ["[]", "missing"],
    ["int int", "left over"],
    ["int; drop table x", "left over"],
    ["struct", "parentheses"],
    ["struct()", "needs a name"],
    ["struct(a int", "not closed"],
    ["struct(a)", "missing"],
    ["struct(a int, A int)", "twice"],
    ["map(int)", "keys"],
    ["map(int,int,int)", "not closed"],
    ["enum()", "single quotes"],
    ["enum('a','a')", "twice"],
    ["enum(a)", "single quotes"],
    ["geometry", "no type"],
    ["variant", "no type"],
    ['"NULL"', "missing"],
    ["constructor", "no type"],
    ["__proto__", "no type"],
    ["struct(a ".repeat(200), "at most 100 deep"],
    [`int${"[]".repeat(200)}`, "at most 100 deep"],
  ])("refuses %s", (text, reason) => {
    expect(parseDataType(text).problem).toContain(reason);
  });

  it("reads what formatDataType writes", () => {
    const name = fc.string({ minLength: 1 }).filter((text) => !text.includes("\0"));
    const names = fc.uniqueArray(name, { minLength: 1, maxLength: 4, selector: (one) => one.toLowerCase() });
    const leaf = fc.constantFrom(
      ...["BOOLEAN", "TINYINT", "UHUGEINT", "BIGNUM", "FLOAT", "DOUBLE", "VARCHAR", "JSON", "BLOB", "BIT", "UUID"],
      ...["DATE", "TIME", "TIME_NS", "TIMETZ", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMPTZ", "INTERVAL", "DECIMAL(9,4)"],
    );
    const { type } = fc.letrec<{ type: DataType }>((tie) => ({
      type: fc.oneof(
        { depthSize: "small" },
        leaf.map((text) => parseDataType(text).type ?? { kind: "any" as const }),
        names.map((values): DataType => ({ kind: "enum", values })),
        tie("type").map((item): DataType => ({ kind: "list", item })),
        tie("type").map((item): DataType => ({ kind: "array", item, length: 3 })),
        fc.tuple(tie("type"), tie("type")).map(([key, value]): DataType => ({ kind: "map", key, value })),
        fc.tuple(names, tie("type"), fc.boolean()).map(([fieldNames, item, union]): DataType => {
          const fields = fieldNames.map((fieldName) => ({ name: fieldName, type: item }));
          return union ? { kind: "union", members: fields } : { kind: "struct", fields };
        }),
      ),
    }));
    fc.assert(
      fc.property(type, (one) => {
        expect(parseDataType(formatDataType(one))).toEqual({ type: one });
      }),
      { seed: SEED, numRuns: 500 },
    );
  });
});

describe("DuckDB's own names", () => {
  let instance: DuckDBInstance;
  let connection: DuckDBConnection;
  beforeAll(async () => {
    instance = await DuckDBInstance.create(":memory:");
    connection = await instance.connect();
  });
  afterAll(() => {
    connection.closeSync();
    instance.closeSync();
  });

  async function column(sql: string): Promise<string[]> {
    return (await (await connection.run(sql)).getRows()).map(([value]) => String(value));
  }

  it("are all read, with the meaning that DuckDB gives them", async () => {
    const names = await column(
      "select distinct type_name from duckdb_types() where database_name = 'system' order by 1",
    );
    // Not types of values, or without a word in our model.
    const others = ["array", "enum", "geometry", "list", "map", "null", "row", "struct", "type", "union", "variant"];
    expect(
      names.filter((name) => !others.includes(name)).filter((name) => parseDataType(name).type === undefined),
    ).toEqual([]);
    const words = ["double precision", "character varying", "timestamp without time zone", "time without time zone"];
    for (const name of [...names.filter((one) => !others.includes(one)), ...words]) {
      const [meaning = ""] = await column(`select typeof(cast(null as ${name}))`);
      expect(formatted(name), name).toBe(formatted(meaning));
    }
  });
});
