import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { RecordBatchReader, RecordBatchStreamWriter, type RecordBatch } from "apache-arrow";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BatchBuilder } from "../../../../src/adapters/duckdb/arrow/batch-builder.js";
import { formatDataType } from "../../../../src/model/data-type.js";
import { isJobError } from "../../../../src/model/job-error.js";
import { arrowRows, changedColumns, tableSchemaOf, writeBatches } from "./round-trip.js";

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

/** What no column can be moved as; everything else round-trips. */
const REFUSED = ["geometry"];
const ALL = `* exclude (${REFUSED.join(", ")})`;
const LARGE_ENUM = "test_all_types(use_large_enum := true)";

describe("every type of DuckDB's", () => {
  it("is either moved or refused, and the refused ones are these", async () => {
    const result = await connection.run("from test_all_types()");
    const refused = tableSchemaOf(result).columns.filter((column) => {
      try {
        new BatchBuilder({ columns: [column] });
        return false;
      } catch {
        return true;
      }
    });
    expect(refused.map(({ name }) => name)).toEqual(REFUSED);
  });

  it.each([
    ["with its extremes, and null", `select ${ALL} from test_all_types()`],
    ["with an enum of 70,000 values", `select ${ALL} from ${LARGE_ENUM}`],
    ["without any row", `select ${ALL} from test_all_types() limit 0`],
    ["in nothing but nulls", `select ${ALL} from test_all_types() limit 1 offset 2`],
    ["over several chunks", `select i, ${ALL} from test_all_types(), range(3000) t(i)`],
    ["in a list", `select [columns(${ALL})] from test_all_types()`],
    ["in a list of lists with nulls", `select [[], null, [columns(${ALL}), null]] from test_all_types()`],
    ["in a struct", `select {a: columns(${ALL}), b: 1} from test_all_types()`],
    ["in a map, as a value", `select map {1: columns(${ALL}), 2: null} from test_all_types()`],
    ["in a union", `select union_value(a := columns(${ALL})) from test_all_types()`],
    ["in an array", `select array_value(columns(${ALL}), null) from test_all_types()`],
  ])("comes back exactly as it was: %s", async (_, sql) => {
    expect(await changedColumns(connection, sql)).toEqual([]);
  });

  it.each([
    ["of one row", { maxRows: 1 }],
    ["of seven", { maxRows: 7 }],
    ["of a kilobyte", { maxBytes: 1024 }],
  ])("does so in batches %s", async (_, limits) => {
    const sql = `select i, ${ALL} from test_all_types(), range(50) t(i)`;
    expect(await changedColumns(connection, sql, { limits })).toEqual([]);
  });

  it("does so in slices, whose bits begin anywhere in a byte", async () => {
    const sql = `select i, ${ALL} from test_all_types(), range(1000) t(i)`;
    const cut = (batch: RecordBatch): RecordBatch[] => [
      batch.slice(0, 3),
      batch.slice(1).slice(2, 20),
      batch.slice(21),
    ];
    expect(await changedColumns(connection, sql, { cut })).toEqual([]);
  });

  it("does so through Arrow's own stream format, which aligns and pads in its own way", async () => {
    await connection.run(`create or replace temp table sent as select i, ${ALL} from test_all_types(), range(20) t(i)`);
    await connection.run("create or replace temp table returned as from sent limit 0");
    const { batches } = await arrowRows(connection, "from sent", { maxRows: 25 });
    const writer = RecordBatchStreamWriter.writeAll(batches);
    const read = [...RecordBatchReader.from(writer.toUint8Array(true))];
    expect(read).toHaveLength(3);
    await writeBatches(connection, "returned", { schema: read[0]!.schema, batches: read });
    const rows = await connection.runAndReadAll("from sent except all from returned");
    expect(rows.currentRowCount).toBe(0);
  });

  it("knows JSON from other text, in lists and structs too", async () => {
    const sql = `select '{"a": [1, null]}'::json as j, ['1'::json, null] as l, {s: '"x"'::json, t: 'x'} as s from range(3)`;
    expect(await changedColumns(connection, sql)).toEqual([]);
    const { table } = await arrowRows(connection, sql);
    expect(table.columns.map(({ type }) => formatDataType(type))).toEqual([
      "JSON",
      "JSON[]",
      'STRUCT("s" JSON, "t" VARCHAR)',
    ]);
  });

  it("moves enums of every width of code", async () => {
    for (const size of [1, 255, 256, 65_535, 65_536]) {
      await connection.run(`create or replace type sized as enum (select 'value ' || i from range(${size}) t(i))`);
      const sql = `select ('value ' || (i * 7919 % ${size}))::sized as e, if(i % 3 = 0, e, null) as n from range(5000) t(i)`;
      expect(await changedColumns(connection, sql), `${size} values`).toEqual([]);
    }
  });
});

describe("what cannot be moved exactly", () => {
  it("is refused before the first row, with every such column named", async () => {
    const result = await connection.stream(
      "select 1 as fine, 1::variant as first, [{a: geometry}] as second, geometry as third from test_all_types()",
    );
    const error = thrownBy(() => new BatchBuilder(tableSchemaOf(result)));
    expect(isJobError(error, "unsupported_query")).toBe(true);
    expect(error).toMatchObject({ columns: ["first", "second", "third"] });
    expect((error as Error).message).toBe(
      'No exact conversion exists for columns "first" (VARIANT), "second" (GEOMETRY), "third" (GEOMETRY).',
    );
  });
});

describe("texts", () => {
  const lengths = "range(40) t(i), range(3) u(j)";
  it.each([
    [
      "of every length around the twelve bytes that DuckDB keeps in place",
      `select repeat('x', i) as t from ${lengths}`,
    ],
    [
      "long and short side by side",
      "select repeat('abc', if(hash(i) % 3 = 0, 2, (hash(i) % 90)::bigint)) as t from range(9000) t(i)",
    ],
    ["with NUL", "select repeat('a' || chr(0), i) || chr(0) as t from range(30) t(i)"],
    ["of characters of two to four bytes", "select repeat('ß漢🦆', i) as t, repeat('🦆', 3) as u from range(30) t(i)"],
    [
      "in another order than memory's",
      "select t from (select i, 'the text of row ' || i as t from range(9000) t(i)) order by hash(i)",
    ],
    ["that are the same memory many times", "select 'a text longer than twelve bytes' as t from range(9000)"],
    ["of 50 KB", "select i, repeat(chr(97 + i % 26), 50000) as t from range(300) t(i)"],
    [
      "from lists that share their items",
      "select l, list_reverse(l) as r, l[2:3] as s from (select ['a rather long text ' || i, 'b', null] as l from range(5000) t(i))",
    ],
  ])("come back exactly: %s", async (_, sql) => {
    expect(await changedColumns(connection, sql.replaceAll("i % 26", "(i % 26)::integer"))).toEqual([]);
  });
});

function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error("Nothing was thrown.");
}
