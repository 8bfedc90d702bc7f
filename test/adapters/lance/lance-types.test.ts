import { type DataType as ArrowType, Field, Float32, List, type RecordBatch, Schema, Struct } from "apache-arrow";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DuckDBEngine } from "../../../src/adapters/duckdb/entry.js";
import { batchRows, type PlainRow } from "../../../src/model/batch-values.js";
import { formatDataType } from "../../../src/model/data-type.js";
import type { Column, TableSchema } from "../../../src/model/table-schema.js";
import type { RowStream } from "../../../src/ports/row-stream.js";
import { write } from "../../../src/testing/destination/destination-fixture.js";
import { plain } from "../../../src/testing/engine/engine-fixture.js";
import { ManualClock } from "../../../src/testing/manual-clock.js";
import { copiedBatch } from "../../support/copied-batch.js";
import { type LakeFolder, lakeFolder, NEVER_ABORTED } from "./lake-folder.js";

let lake: LakeFolder;
let engine: DuckDBEngine;
let made = 0;

beforeAll(async () => {
  lake = await lakeFolder();
  engine = new DuckDBEngine({ threads: 1 });
  const silent = (): void => undefined;
  const logger = { debug: silent, info: silent, warn: silent, error: silent };
  await engine.open({ connections: new Map([["lake", lake.connection]]), clock: new ManualClock(), logger });
});

afterAll(async () => {
  await engine.close();
  await lake[Symbol.asyncDispose]();
});

function stream(sql: string): Promise<RowStream> {
  return engine.stream(plain(sql), { signal: NEVER_ABORTED });
}

async function rowsOf(sql: string): Promise<PlainRow[]> {
  const rows = await stream(sql);
  const all: PlainRow[] = [];
  for await (const batch of rows) all.push(...batchRows(batch, rows.schema));
  return all;
}

async function collected(rows: RowStream): Promise<RecordBatch[]> {
  const batches: RecordBatch[] = [];
  for await (const batch of rows) batches.push(batch);
  return batches;
}

/** Writes what a query gives, in slices that do not begin where a byte does. */
async function load(table: string, sql: string, mode: "append" | "overwrite" | "upsert" = "append"): Promise<void> {
  const rows = await stream(sql);
  const steps = (await collected(rows)).flatMap((batch) => [
    copiedBatch(batch).slice(0, 3),
    batch.slice(3, batch.numRows),
  ]);
  await write(lake.destination(table), {
    commitId: `commit-${made++}`,
    schema: rows.schema,
    mode: mode === "upsert" ? { kind: mode, keys: ["id"] } : mode,
    steps,
    createIfMissing: true,
  });
}

async function refusal(sql: string, existing: TableSchema | null = null): Promise<string> {
  const rows = await stream(sql);
  await rows.close();
  const { type } = rows.schema.columns[0]!;
  const answer = lake.destination().storage!(type, existing?.columns[0] ?? null);
  return answer.stored ? "stored" : answer.reason;
}

/** Every third row is null in those that hold nulls. */
const KEPT = [
  "case when i % 3 = 0 then null else i % 2 = 0 end",
  "null::boolean",
  "i::tinyint",
  "i::ubigint",
  "'nan'::float",
  "'-infinity'::double",
  "case when i % 3 = 0 then null else i::decimal(38, 10) end",
  "case when i % 3 = 0 then null else 'é' || i end",
  "repeat('long ', 20000)",
  "('x' || i)::blob",
  "case when i % 3 = 0 then null else uuid '12345678-1e10-4000-8000-ffffffffff00' end",
  "'infinity'::date",
  "time '10:00:00.123456'",
  "time_ns '10:00:00.123456789'",
  "'-infinity'::timestamp",
  "'2020-01-01 00:00:00.123456789'::timestamp_ns",
  "timestamptz '2020-01-01 12:00:00+02'",
  `'{"b": 1, "a": [1.0]}'::json`,
  "'101'::bit",
  "case when i % 3 = 0 then null else (case when i % 2 = 0 then 'a' else 'b' end)::enum('a', 'b') end",
  "case when i % 3 = 0 then null else [i, null] end",
  "[]::int[]",
  "[['a' || i], null, [null, 'b']]",
  "[true, null, i % 2 = 0]",
  "[null::boolean]",
  "[uuid '12345678-1e10-4000-8000-ffffffffff00']",
  "['b'::enum('a', 'b')]",
  "try_cast(case when i % 3 = 0 then null else [i::float, 2, 3] end as float[3])",
  "array_value(i::float, null)",
  "array_value(array_value(i, 2), array_value(3, 4))",
  "array_value(true, null)",
  "case when i % 3 = 0 then null else {'a': i, 'b': 'x', 'c': [i]} end",
  "{'a': null::boolean, 'b': {'c': ['x' || i]}}",
  "case when i % 3 = 0 then null else [{'a': i, 'f': null::boolean}] end",
  "{'v': array_value(i::float, 2::float)}",
];

describe("values come back exactly", () => {
  it.each(KEPT)("%s", async (value) => {
    const table = `kept${made}`;
    const sql = `select i as id, ${value} as v from range(20) t(i)`;
    const given = await rowsOf(sql);
    await load(table, sql);
    await load(table, sql);
    expect(await rowsOf(`select * from lake.${table}`)).toEqual([...given, ...given]);
    await load(table, sql, "overwrite");
    expect(await rowsOf(`select * from lake.${table}`)).toEqual(given);
    await load(table, `select i + 10 as id, v from (${sql}) t(i, v)`, "upsert");
    expect((await rowsOf(`select * from lake.${table} order by id`)).slice(10)).toEqual(
      given.map((row, id) => ({ ...row, id: BigInt(id + 10) })),
    );
  });

  it("a column of vectors is one of fixed-size lists, as vector search wants it", async () => {
    await load("vectors", "select i as id, array_value(i::float, 1, 2) as v from range(4) t(i)");
    const table = await (await lake.plain()).openTable("vectors");
    expect(String((await table.schema()).fields[1]?.type)).toBe("FixedSizeList[3]<Float32>");
    const [nearest] = (await table.search([2.1, 1, 2]).limit(1).toArray()) as { id: bigint }[];
    expect(nearest?.id).toBe(2n);
  });
});

describe("a value that Lance would refuse at the commit, or should have, is refused before the permit", () => {
  /** Writes rows of a query with one column, and gives no permit. */
  async function refusedEarly(table: string, value: string): Promise<void> {
    const rows = await stream(`select ${value} as v`);
    const atPermit = () => Promise.reject(new Error("the permit was asked for"));
    const trial = { commitId: `commit-${made++}`, schema: rows.schema, createIfMissing: true, atPermit };
    await expect(write(lake.destination(table), { ...trial, steps: await collected(rows) })).rejects.toMatchObject({
      code: "destination_failed",
      columns: ["v"],
      retryable: false,
    });
  }

  it.each([
    ["list", new List(new Field("item", new Float32(), false)), "[1::float]", "[1, null::float]"],
    ["struct", new Struct([new Field("a", new Float32(), false)]), "{'a': 1::float}", "{'a': null::float}"],
  ] as const)("a null within a %s that takes none", async (name, type, right, wrong) => {
    const table = `strict_${name}`;
    const schema = new Schema([new Field("v", type as ArrowType, true)]);
    await (await lake.plain()).createEmptyTable(table, schema);
    await load(table, `select ${right} as v from range(3)`);
    await refusedEarly(table, wrong);
    expect(await rowsOf(`select * from lake.${table}`)).toHaveLength(3);
  });

  it.each(["float", "double"])("a NaN in a vector of type %s, also in a new table", async (item) => {
    const table = `nan_${item}`;
    const wrong = `array_value(1::${item}, 'nan'::${item})`;
    await refusedEarly(table, wrong);
    await load(table, `select unnest([array_value('inf'::${item}, null), null]) as v`);
    await refusedEarly(table, wrong);
    expect(await rowsOf(`select * from lake.${table}`)).toHaveLength(2);
  });

  it.each(["append", "upsert"] as const)("a time beyond the finer unit of its column, by %s", async (kind) => {
    const id = { name: "id", type: { kind: "integer", bits: 64, signed: true }, nullable: true } as const;
    const times = (unit: "s" | "ms" | "us"): TableSchema => ({
      columns: [id, { name: "t", type: { kind: "timestamp", unit, zoned: false }, nullable: true }],
    });
    const table = `far_${kind}`;
    const rows = async (unit: "s" | "ms" | "us", t: bigint | null): Promise<void> => {
      const mode = kind === "upsert" ? ({ kind, keys: ["t"] } as const) : kind;
      const trial = { commitId: `commit-${made++}`, schema: times(unit), mode, createIfMissing: true };
      await write(lake.destination(table), { ...trial, steps: [[{ id: 1, t }]] });
    };
    await rows("us", 5n);
    for (const [unit, t] of [
      ["s", 9_300_000_000_000n],
      ["ms", -9_300_000_000_000_000n],
    ] as const) {
      await expect(rows(unit, t)).rejects.toMatchObject({
        code: "destination_failed",
        columns: ["t"],
        retryable: false,
      });
    }
    await rows("s", 9_223_372_036_854n);
    expect(await lake.read(table)).toHaveLength(2);
  });
});

describe("what Lance would not keep is refused by name, with what to do", () => {
  it.each([
    ["1::hugeint", "DECIMAL(38,0)"],
    ["[1::hugeint]", "DECIMAL(38,0)"],
    ["interval 1 day", "INTERVAL"],
    ["map {'a': 1}", "list of structs"],
    ["union_value(a := 1)", "UNION"],
    ["timetz '10:00:00+02'", "offset"],
    ["12::bignum", "BIGNUM"],
    ["row(1, 2)", "names"],
    ["array_value('a', 'b')", "list"],
    ["array_value([1], [2])", "list"],
    ["array_value({'a': 1}, {'a': 2})", "list"],
    ["array_value(uuid(), uuid())", "list"],
  ])("%s", async (value, told) => {
    expect(await refusal(`select ${value} as v`)).toContain(told);
    const writing = load("refused", `select ${value} as v`);
    await expect(writing).rejects.toMatchObject({
      code: "schema_mismatch",
      columns: ["v"],
      message: expect.stringContaining(`"v"`) as string,
    });
    expect(await lake.read("refused")).toBeNull();
  });

  it.each([
    ["7.9::double", "integer"],
    ["7.9::decimal(2,1)", "integer"],
    ["9223372036854775808::ubigint", "bigint"],
    ["2147483648::bigint", "integer"],
    ["1::bigint", "double"],
    ["1.5::double", "float"],
    ["1::integer", "decimal(12,2)"],
    ["1.25::decimal(5,2)", "decimal(10,3)"],
    ["'1'::varchar", "integer"],
    ["1", "varchar"],
    ["timestamptz '2020-01-01 00:00:00+00'", "timestamp"],
    ["'2020-01-01'::timestamp_ns", "timestamp"],
    ["[1::bigint]", "integer[]"],
    ["array_value(1::float, 2)", "float[3]"],
    ["{'a': 1}", "struct(b integer)"],
  ])("%s into a column of %s", async (value, type) => {
    const table = `narrow${made}`;
    await load(table, `select null::${type} as v`);
    const columns = await lake.destination(table).schema(NEVER_ABORTED);
    expect(await refusal(`select ${value} as v`, columns)).not.toBe("stored");
    await expect(load(table, `select ${value} as v`)).rejects.toMatchObject({
      code: "schema_mismatch",
      columns: ["v"],
    });
    expect(await lake.read(table)).toHaveLength(1);
  });
});

describe("what a wider column holds is converted without loss", () => {
  it.each([
    ["case when i = 1 then null else -i::tinyint end", "bigint"],
    ["i::utinyint", "integer"],
    ["(4294967290 + i)::uinteger", "bigint"],
    ["i::usmallint", "ubigint"],
    ["-i::integer", "double"],
    ["i::float / 3", "double"],
    ["i::decimal(5,2)", "decimal(20,2)"],
    ["case when i = 2 then null else 'b'::enum('a', 'b') end", "varchar"],
    ["'[1]'::json", "varchar"],
    ["'1960-01-01'::timestamp_s", "timestamp"],
    ["'infinity'::timestamp_s", "timestamp"],
    ["'1960-01-01 00:00:00.001'::timestamp_ms", "timestamp"],
    ["time '10:00:00.123456'", "time_ns"],
    ["[i::tinyint, null]", "bigint[]"],
    ["array_value(i::float, 2)", "float[]"],
    ["{'a': i::tinyint, 'b': ['x'::enum('x')]}", "struct(a bigint, b varchar[])"],
  ])("%s into a column of %s", async (value, type) => {
    const table = `wide${made}`;
    await load(table, `select 0::bigint as id, null::${type} as v`);
    const sql = `select i as id, ${value} as v from range(5) t(i)`;
    const expected = await rowsOf(`select id, v::${type} as v from (${sql})`);
    for (const mode of ["append", "overwrite", "upsert"] as const) {
      await load(table, sql, mode);
      const rows = await rowsOf(`select * from lake.${table}`);
      expect(rows.slice(-5).sort((left, right) => Number(left["id"]) - Number(right["id"]))).toEqual(expected);
    }
    const schema = await lake.destination(table).schema(NEVER_ABORTED);
    const cast = await stream(`select null::${type} as v`);
    await cast.close();
    expect(formatDataType(schema!.columns[1]!.type)).toBe(formatDataType(cast.schema.columns[0]!.type));
  });
});

describe("a column that the rows lack, or that is nothing but a null, is null", () => {
  const TYPES =
    "varchar, boolean, struct(a integer, b boolean[]), float[3], decimal(9,1), uuid, blob, int[], timestamp";
  it.each(TYPES.split(/, (?!b )/))("of type %s", async (type) => {
    const table = `lacking${made}`;
    const id: Column = { name: "id", type: { kind: "integer", bits: 64, signed: true }, nullable: true };
    const untyped: Column = { name: "v", type: { kind: "null" }, nullable: true };
    await load(table, `select 0::bigint as id, null::${type} as v`);
    for (const columns of [[id], [untyped, id]]) {
      const trial = { schema: { columns }, steps: [[{ id: 1 }, { id: 2 }]] };
      const destination = lake.destination(table);
      await write(destination, { ...trial, commitId: `commit-${made++}` });
      await write(destination, { ...trial, commitId: `commit-${made++}`, mode: { kind: "upsert", keys: ["id"] } });
      await write(destination, { ...trial, commitId: `commit-${made++}`, mode: "overwrite" });
      expect(await rowsOf(`select * from lake.${table}`)).toEqual([
        { id: 1n, v: null },
        { id: 2n, v: null },
      ]);
    }
  });
});
