import { type DuckDBConnection, DuckDBDataChunk, DuckDBInstance, DuckDBTableFunction } from "@duckdb/node-api";
import duckdb from "@duckdb/node-bindings";
import {
  Binary,
  Data,
  type DataType as ArrowType,
  DateMillisecond,
  Decimal,
  Dictionary,
  DurationMillisecond,
  Field,
  FixedSizeBinary,
  FixedSizeList,
  Float16,
  Int32,
  Int64,
  Int8,
  IntervalYearMonth,
  LargeBinary,
  LargeUtf8,
  List,
  makeVector,
  Map_,
  RecordBatch,
  Schema,
  SparseUnion,
  Struct,
  Table,
  TimeMillisecond,
  TimeSecond,
  Timestamp,
  TimeUnit,
  Utf8,
  Vector,
  vectorFromArray,
} from "apache-arrow";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ArrowChunkWriter } from "../../../../src/adapters/duckdb/arrow/arrow-chunk-writer.js";
import { formatDataType } from "../../../../src/model/data-type.js";

let instance: DuckDBInstance;
let connection: DuckDBConnection;
beforeAll(async () => {
  instance = await DuckDBInstance.create(":memory:");
  connection = await instance.connect();
  await connection.run("set timezone = 'UTC'");
});
afterAll(() => {
  connection.closeSync();
  instance.closeSync();
});

/** Stores batches in a table and gives its rows as DuckDB's text, with the types of its columns. */
async function stored(batches: readonly RecordBatch[]): Promise<{ types: string[]; rows: unknown[][] }> {
  const writer = new ArrowChunkWriter(batches[0]!.schema);
  const types = writer.schema.columns.map(({ type }) => formatDataType(type));
  const columns = writer.types.map((type, index) => `c${index} ${String(type)}`);
  await connection.run(`create or replace temp table stored (${columns.join(", ")})`);
  const appender = await connection.createAppender("stored");
  try {
    for (const batch of batches) writer.append(appender, batch);
  } finally {
    appender.closeSync();
  }
  const reader = await connection.runAndReadAll("select columns(*)::varchar from stored");
  return { types, rows: reader.getRows() };
}

function batchesOf(columns: Record<string, Vector>): RecordBatch[] {
  return new Table(columns).batches;
}

/** The stored values of a single column. */
async function storedValues(vector: Vector): Promise<{ type: string; values: unknown[] }> {
  const { types, rows } = await stored(batchesOf({ c: vector }));
  return { type: types[0]!, values: rows.map(([value]) => value) };
}

function batchOf(type: ArrowType, data: Data, metadata?: Map<string, string>): RecordBatch {
  const field = new Field("bad", type, true, metadata);
  const rows = new Data(new Struct([field]), 0, data.length, 0, {}, [data]);
  return new RecordBatch(new Schema([field]), rows);
}

function utf8(bytes: number[], offsets: number[], bitmap?: number[]): Data {
  const buffers = {
    0: Int32Array.from(offsets),
    1: Uint8Array.from(bytes),
    ...(bitmap && { 2: Uint8Array.from(bitmap) }),
  };
  return new Data(new Utf8(), 0, offsets.length - 1, bitmap === undefined ? 0 : -1, buffers);
}

describe("columns that users bring", () => {
  it("takes what Arrow makes of JavaScript arrays", async () => {
    const { types, rows } = await stored(
      batchesOf({
        number: vectorFromArray([1.5, null, NaN]),
        bigint: vectorFromArray([1n, -(2n ** 63n), null]),
        boolean: vectorFromArray([true, null, false]),
        text: vectorFromArray(["a", "a rather long text 🦆", null]),
        date: vectorFromArray([new Date(0), null, new Date("1969-12-31T23:59:59.999Z")]),
        list: vectorFromArray([[1, 2], null, []], new List(new Field("item", new Int32()))),
        object: vectorFromArray([
          { a: 1, b: "x" },
          { a: 2, b: "y" },
          { a: 3, b: "z" },
        ]),
      }),
    );
    expect(types).toEqual([
      "DOUBLE", "BIGINT", "BOOLEAN", "VARCHAR", "TIMESTAMP_MS", "INTEGER[]", 'STRUCT("a" DOUBLE, "b" VARCHAR)',
    ]); // prettier-ignore
    expect(rows).toEqual([
      ["1.5", "1", "true", "a", "1970-01-01 00:00:00", "[1, 2]", "{'a': 1.0, 'b': x}"],
      [null, "-9223372036854775808", null, "a rather long text 🦆", null, null, "{'a': 2.0, 'b': y}"],
      ["nan", null, "false", null, "1969-12-31 23:59:59.999", "[]", "{'a': 3.0, 'b': z}"],
    ]);
  });

  it("takes 64-bit dates of whole days", async () => {
    const days = makeVector(
      new Data(new DateMillisecond(), 0, 3, 0, { 1: BigInt64Array.of(0n, -86_400_000n, 19_000n * 86_400_000n) }),
    );
    expect(await storedValues(days)).toEqual({ type: "DATE", values: ["1970-01-01", "1969-12-31", "2022-01-08"] });
  });

  it("takes times in seconds and milliseconds", async () => {
    const seconds = new Data(new TimeSecond(), 0, 1, 0, { 1: Int32Array.of(3_661) });
    const milliseconds = new Data(new TimeMillisecond(), 0, 1, 0, { 1: Int32Array.of(86_399_999) });
    expect(await storedValues(makeVector(seconds))).toEqual({ type: "TIME", values: ["01:01:01"] });
    expect(await storedValues(makeVector(milliseconds))).toEqual({ type: "TIME", values: ["23:59:59.999"] });
  });

  it.each([
    ["seconds", TimeUnit.SECOND, -1n, "TIMESTAMP_S", "1969-12-31 23:59:59"],
    ["milliseconds", TimeUnit.MILLISECOND, -1n, "TIMESTAMP_MS", "1969-12-31 23:59:59.999"],
    ["microseconds", TimeUnit.MICROSECOND, -1n, "TIMESTAMP", "1969-12-31 23:59:59.999999"],
    ["nanoseconds", TimeUnit.NANOSECOND, -1000n, "TIMESTAMP_NS", "1969-12-31 23:59:59.999999"],
  ])("takes timestamps and instants in %s", async (_, unit, value, type, text) => {
    const infinity = 2n ** 63n - 1n;
    const plain = new Data(new Timestamp(unit), 0, 2, 0, { 1: BigInt64Array.of(value, infinity) });
    expect(await storedValues(makeVector(plain))).toEqual({ type, values: [text, "infinity"] });
    const zoned = new Data(new Timestamp(unit, "Europe/Paris"), 0, 2, 0, { 1: BigInt64Array.of(value, -infinity) });
    expect((await storedValues(makeVector(zoned))).values).toEqual([`${text}+00`, "-infinity"]);
  });

  it("takes durations", async () => {
    const data = new Data(new DurationMillisecond(), 0, 2, 0, { 1: BigInt64Array.of(90_061_001n, -1n) });
    expect(await storedValues(makeVector(data))).toEqual({
      type: "INTERVAL",
      values: ["25:01:01.001", "-00:00:00.001"],
    });
  });

  it("takes the large types, and bytes of a fixed width", async () => {
    const offsets = BigInt64Array.of(0n, 1n, 1n, 22n);
    const bytes = new TextEncoder().encode(`x${"a longer piece of tex"}`);
    const text = new Data(new LargeUtf8(), 0, 3, 0, { 0: offsets, 1: bytes });
    expect(await storedValues(makeVector(text))).toEqual({
      type: "VARCHAR",
      values: ["x", "", "a longer piece of tex"],
    });
    const blob = new Data(new LargeBinary(), 0, 3, 0, { 0: offsets, 1: bytes });
    expect(await storedValues(makeVector(blob))).toEqual({ type: "BLOB", values: ["x", "", "a longer piece of tex"] });
    const fixed = new Data(new FixedSizeBinary(2), 0, 2, 0, { 1: Uint8Array.of(97, 98, 0, 255) }).slice(1, 1);
    expect(await storedValues(makeVector(fixed))).toEqual({ type: "BLOB", values: [String.raw`\x00\xFF`] });
  });

  it("takes dictionaries of text that have nulls, and grew", async () => {
    const chunks = [utf8([97, 98], [0, 1, 2]), utf8([...Buffer.from("a value of the second chunk")], [0, 27, 27], [1])];
    const type = new Dictionary(new Utf8(), new Int8());
    const keys = { 1: Int8Array.of(2, 0, 3, 1, 2), 2: Uint8Array.of(0b01111) };
    const data = new Data(type, 0, 5, -1, keys, [], new Vector(chunks));
    const values = ["a value of the second chunk", "a", null, "b", null];
    expect(await storedValues(makeVector(data))).toEqual({ type: "VARCHAR", values });
  });

  it("takes shared memory", async () => {
    const shared = new Int32Array(new SharedArrayBuffer(8));
    shared.set([7, -7]);
    expect((await storedValues(makeVector(new Data(new Int32(), 0, 2, 0, { 1: shared })))).values).toEqual(["7", "-7"]);
  });

  it("takes slices of everything, over chunks", async () => {
    const count = 7_000;
    const all = Array.from({ length: count }, (_, index) => (index % 5 === 0 ? null : index));
    const table = new Table({
      n: vectorFromArray(all, new Int32()),
      b: vectorFromArray(all.map((value) => (value === null ? null : value % 2 === 0))),
      t: vectorFromArray(
        all.map((value) => (value === null ? null : `the text of row ${value}`)),
        new Utf8(),
      ),
      l: vectorFromArray(
        all.map((value) => (value === null ? null : [value, null])),
        new List(new Field("item", new Int32())),
      ),
      f: vectorFromArray(
        all.map((value) => (value === null ? null : [value, -value])),
        new FixedSizeList(2, new Field("item", new Int32())),
      ),
    });
    const { rows } = await stored(table.slice(3, 6_990).batches);
    expect(rows).toHaveLength(6_987);
    for (const [index, row] of rows.entries()) {
      const value = all[index + 3];
      expect(row).toEqual(
        value === null
          ? [null, null, null, null, null]
          : [
              String(value),
              String(value! % 2 === 0),
              `the text of row ${value}`,
              `[${value}, NULL]`,
              `[${value}, -${value}]`,
            ],
      );
    }
  });
});

describe("the nulls of nested columns", () => {
  it("hide what lies below them: DuckDB reads a field without looking at its struct", async () => {
    const child = new Data(new Int32(), 0, 2, 0, { 1: Int32Array.of(1, 2) });
    const inner = new Field("a", new Int32(), true);
    const struct = new Data(new Struct([inner]), 0, 2, -1, { 2: Uint8Array.of(0b10) }, [child]);
    await stored([batchOf(struct.type, struct)]);
    expect((await connection.runAndReadAll("select c0.a from stored")).getRows()).toEqual([[null], [2]]);
    const list = new Data(new FixedSizeList(1, inner), 0, 2, -1, { 2: Uint8Array.of(0b10) }, [child]);
    const batch = batchOf(list.type, list);
    const writer = new ArrowChunkWriter(batch.schema);
    const chunk = DuckDBDataChunk.create(writer.types);
    writer.write(chunk, batch, 0, 2);
    const items = duckdb.array_vector_get_child(duckdb.data_chunk_get_vector(chunk.chunk, 0));
    expect(duckdb.vector_get_validity(items, 8)[0]! & 0b11).toBe(0b10);
  });
});

describe("chunks of a table function", () => {
  it("are filled with a part of a batch and some of its columns", async () => {
    const batch = batchesOf({
      i: vectorFromArray(Array.from({ length: 5_000 }, (_, index) => index), new Int32()),
      t: vectorFromArray(Array.from({ length: 5_000 }, (_, index) => `the text of row ${index}`), new Utf8()),
    })[0]!; // prettier-ignore
    const writer = new ArrowChunkWriter(batch.schema);
    let next = 0;
    const scan = DuckDBTableFunction.create({
      name: "scan_batch",
      supportsProjectionPushdown: true,
      bindFunction: (info) =>
        writer.schema.columns.forEach(({ name }, index) => info.addResultColumn(name, writer.types[index]!)),
      initFunction: (info) => info.setInitData({ columns: info.getColumnIndexes() }),
      mainFunction: (info, chunk) => {
        const count = Math.min(writer.maxRows, batch.numRows - next);
        writer.write(chunk, batch, next, count, (info.getInitData() as { columns: number[] }).columns);
        next += count;
      },
    });
    connection.registerTableFunction(scan);
    const reader = await connection.runAndReadAll(
      "select count(*), count(distinct t), min(t), max(length(t)) from scan_batch()",
    );
    expect(reader.getRows()).toEqual([[5_000n, 5_000n, "the text of row 0", 20n]]);
    next = 0;
    const rows = await connection.runAndReadAll("select t from scan_batch() order by t desc limit 1");
    expect(rows.getRows()).toEqual([["the text of row 999"]]);
  });
});

describe("what is refused", () => {
  it("is a type that has no exact counterpart, with every such column named", () => {
    const union = new SparseUnion([0], [new Field("a", new Int32())]);
    const schema = new Schema([
      new Field("half", new Float16()),
      new Field("fine", new Int32()),
      new Field("months", new List(new Field("item", new IntervalYearMonth()))),
      new Field("either", union),
      new Field("wide", new Decimal(2, 50, 256)),
    ]);
    expect(() => new ArrowChunkWriter(schema)).toThrow(
      expect.objectContaining({ code: "unsupported_query", columns: ["half", "months", "either", "wide"] }),
    );
  });

  const decimal = new Decimal(1, 3, 128);
  const mapEntry = new Struct([new Field("key", new Utf8(), true), new Field("value", new Int32(), true)]);
  const map = new Map_(new Field("entries", mapEntry as Struct<{ key: Utf8; value: Int32 }>, false));
  const enumMark = new Map([["millrace.type", '{"kind":"enum","values":["b","a"]}']]);
  const bitMark = new Map([["millrace.type", '{"kind":"bit"}']]);
  const enumType = new Dictionary(new Utf8(), new Int8());
  const enumOf = (key: number): Data =>
    new Data(enumType, 0, 1, 0, { 1: Int8Array.of(key) }, [], new Vector([utf8([97, 99], [0, 1, 2])]));

  it.each<[string, Data, Map<string, string>?]>([
    ["a date with a time of day", new Data(new DateMillisecond(), 0, 1, 0, { 1: BigInt64Array.of(1n) })],
    [
      "a date beyond 32 bits of days",
      new Data(new DateMillisecond(), 0, 1, 0, { 1: BigInt64Array.of(86_400_000n * 2n ** 31n) }),
    ],
    [
      "an instant between microseconds",
      new Data(new Timestamp(TimeUnit.NANOSECOND, "UTC"), 0, 1, 0, { 1: BigInt64Array.of(1n) }),
    ],
    [
      "an instant out of range",
      new Data(new Timestamp(TimeUnit.SECOND, "UTC"), 0, 1, 0, { 1: BigInt64Array.of(2n ** 62n) }),
    ],
    ["a decimal beyond its precision's storage", new Data(decimal, 0, 1, 0, { 1: Uint32Array.of(1 << 20, 0, 0, 0) })],
    ["a decimal with high words", new Data(decimal, 0, 1, 0, { 1: Uint32Array.of(1, 0, 1, 0) })],
    ["a text that is not UTF-8", utf8([65, 0xff, 66], [0, 3])],
    ["a character cut in two", utf8([0xc3, 0x9f], [0, 1, 2])],
    ["a short text cut off the end", utf8([0xc3], [0, 1])],
    ["a value that is none of the enum's", enumOf(1), enumMark],
    ["digits that are no bits", utf8([50], [0, 1]), bitMark],
    [
      "a map with a null key",
      new Data(map, 0, 1, 0, { 0: Int32Array.of(0, 1) }, [
        new Data(mapEntry, 0, 1, 0, {}, [
          utf8([], [0, 0], [0]),
          new Data(new Int32(), 0, 1, 0, { 1: Int32Array.of(1) }),
        ]),
      ]),
    ],
  ])("is %s, by the name of the column and without the value", async (_, data, mark) => {
    const error = await stored([batchOf(data.type, data, mark)]).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "query_failed", columns: ["bad"], retryable: false });
    expect((error as Error).message).toMatch(/^Column "bad": a/);
  });

  it("is not what lies under a null", async () => {
    const nulls = { 2: Uint8Array.of(0) };
    const batches = [
      new Data(new Timestamp(TimeUnit.NANOSECOND, "UTC"), 0, 1, -1, { 1: BigInt64Array.of(1n), ...nulls }),
      new Data(decimal, 0, 1, -1, { 1: Uint32Array.of(1 << 20, 1, 1, 1), ...nulls }),
      utf8([0xff, 0xfe, 0xff], [0, 3], [0]),
    ].map((data) => batchOf(data.type, data));
    for (const batch of batches) expect((await stored([batch])).rows).toEqual([[null]]);
    // Between two texts, too, and a long one at that: the bytes are handed to DuckDB as one.
    const long = [...Buffer.from("a text of more than twelve bytes")];
    const mixed = utf8([...long, 0xff, ...long], [0, 32, 33, 65], [0b101]);
    const text = Buffer.from(long).toString();
    expect((await stored([batchOf(mixed.type, mixed)])).rows).toEqual([[text], [null], [text]]);
  });

  it.each<[string, Data]>([
    ["fewer values than rows", new Data(new Int64(), 0, 3, 0, { 1: BigInt64Array.of(1n) })],
    ["fewer offsets than rows", new Data(new Utf8(), 0, 3, 0, { 0: Int32Array.of(0, 1), 1: Uint8Array.of(65) })],
    ["offsets beyond the bytes", utf8([65], [0, 1000])],
    ["offsets that fall", utf8([65, 66], [0, 2, 1])],
    ["bytes of another length", new Data(new Binary(), 0, 1, 0, { 0: Int32Array.of(-5, 1), 1: Uint8Array.of(65) })],
    [
      "keys beyond the dictionary",
      new Data(
        new Dictionary(new Utf8(), new Int8()),
        0,
        1,
        0,
        { 1: Int8Array.of(9) },
        [],
        new Vector([utf8([97], [0, 1])]),
      ),
    ],
    [
      "items beyond the child",
      new Data(new List(new Field("item", new Int32())), 0, 1, 0, { 0: Int32Array.of(0, 99) }, [
        new Data(new Int32(), 0, 1, 0, { 1: Int32Array.of(1) }),
      ]),
    ],
  ])("is a batch that contradicts itself: %s", async (_, data) => {
    await expect(stored([batchOf(data.type, data)])).rejects.toThrow(RangeError);
  });

  it("are rows that the batch has not", () => {
    const [batch] = batchesOf({ i: vectorFromArray([1, 2], new Int32()) });
    const writer = new ArrowChunkWriter(batch!.schema);
    const chunk = DuckDBDataChunk.create(writer.types);
    expect(() => writer.write(chunk, batch!, 1, 2)).toThrow(RangeError);
    expect(() => writer.write(chunk, batch!, -1, 2)).toThrow(RangeError);
  });
});
