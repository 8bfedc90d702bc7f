import { ARRAY, type DuckDBConnection, DuckDBDataChunk, DuckDBInstance, INTEGER, STRUCT } from "@duckdb/node-api";
import duckdb from "@duckdb/node-bindings";
import type { Data, RecordBatch } from "apache-arrow";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BatchBuilder } from "../../../../src/adapters/duckdb/arrow/batch-builder.js";
import { dataTypeOfDuckDB } from "../../../../src/adapters/duckdb/arrow/duckdb-data-type.js";
import { batchRows } from "../../../../src/model/batch-values.js";
import { type ArrowRows, arrowRows, tableSchemaOf } from "./round-trip.js";

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

function sizes({ batches }: ArrowRows): number[] {
  return batches.map(({ numRows }) => numRows);
}

function bytesOf(batch: RecordBatch): number {
  return batch.data.byteLength;
}

/** Every ArrayBuffer that a column is made of, dictionaries included. */
function buffersOf(data: Data): ArrayBuffer[] {
  const own = [data.values, data.valueOffsets, data.nullBitmap] as (ArrayBufferView | undefined)[];
  const dictionaries = data.dictionary?.data ?? [];
  return [
    ...own.flatMap((view) => (view === undefined || view.byteLength === 0 ? [] : [view.buffer as ArrayBuffer])),
    ...[...data.children, ...dictionaries].flatMap(buffersOf),
  ];
}

describe("how batches are cut", () => {
  it("joins chunks up to the rows allowed, whatever the chunks are", async () => {
    expect(sizes(await arrowRows(connection, "from range(20000)"))).toEqual([8_192, 8_192, 3_616]);
    expect(sizes(await arrowRows(connection, "from range(5000)", { maxRows: 1500 }))).toEqual([1500, 1500, 1500, 500]);
    // Chunks that are not full: a filter leaves what it leaves.
    const filtered = await arrowRows(connection, "select i from range(60000) t(i) where hash(i) % 3 = 0", {
      maxRows: 5000,
    });
    expect(
      sizes(filtered)
        .slice(0, -1)
        .every((rows) => rows === 5000),
    ).toBe(true);
    const values = filtered.batches.flatMap((batch) => batchRows(batch, filtered.table).map(({ i }) => i));
    const reader = await connection.runAndReadAll("select i from range(60000) t(i) where hash(i) % 3 = 0");
    expect(values).toEqual(reader.getColumns()[0]);
  });

  it("keeps long texts within the bytes allowed, inside a chunk too", async () => {
    const maxBytes = 1024 * 1024;
    const rows = await arrowRows(connection, "select i, repeat('x', 50000) as t from range(400) t(i)", { maxBytes });
    expect(rows.batches.length).toBeGreaterThanOrEqual(20);
    for (const batch of rows.batches) expect(bytesOf(batch)).toBeLessThan(maxBytes * 1.01);
    expect(sizes(rows).reduce((sum, size) => sum + size, 0)).toBe(400);
  });

  it("counts what lists, structs and maps hold", async () => {
    const nested = "select [{a: map {i: [repeat('x', 5000)]}}] as n from range(300) t(i)";
    const rows = await arrowRows(connection, nested, { maxBytes: 100_000 });
    for (const batch of rows.batches) expect(bytesOf(batch)).toBeLessThan(110_000);
    expect(rows.batches.length).toBeGreaterThan(10);
  });

  it("puts a row that is too large by itself into a batch of its own", async () => {
    const sql = "select repeat('x', if(i = 5, 300000, 10)) as t from range(10) t(i)";
    expect(sizes(await arrowRows(connection, sql, { maxBytes: 1000 }))).toEqual([5, 1, 4]);
  });

  it("yields nothing for no rows, and still has the schema", async () => {
    const empty = await arrowRows(connection, "select 1 as a, 'x' as b where false");
    expect(empty.batches).toEqual([]);
    expect(empty.schema.names).toEqual(["a", "b"]);
  });

  it("keeps duplicate names, which the caller refuses", async () => {
    const { batches } = await arrowRows(connection, "select 1 as a, 2 as a");
    expect(batches[0]!.schema.names).toEqual(["a", "a"]);
    expect(batches[0]!.getChildAt(1)!.get(0)).toBe(2);
  });
});

describe("what a batch is made of", () => {
  const everything = "select i, * exclude (geometry) from test_all_types(), range(200) t(i)";

  it("shares no buffer with another batch, so that each can be transferred", async () => {
    const kept = await arrowRows(connection, everything, { maxRows: 150 });
    const given = await arrowRows(connection, everything, { maxRows: 150 });
    expect(given.batches).toHaveLength(4);
    const [first, ...rest] = given.batches;
    structuredClone(null, { transfer: [...new Set(buffersOf(first!.data))] });
    expect(bytesOf(first!)).toBe(0);
    const rows = rest.flatMap((batch) => batchRows(batch, given.table));
    expect(rows).toEqual(kept.batches.slice(1).flatMap((batch) => batchRows(batch, kept.table)));
  });

  it("shares no buffer between its columns, and wastes little", async () => {
    const { batches } = await arrowRows(connection, everything);
    const buffers = buffersOf(batches[0]!.data);
    expect(new Set(buffers).size).toBe(buffers.length);
    const allocated = buffers.reduce((sum, { byteLength }) => sum + byteLength, 0);
    expect(allocated).toBeLessThan((bytesOf(batches[0]!) + 70_000 * 12) * 1.2);
  });

  it("holds its rows after the chunks that they came from are gone", async () => {
    const result = await connection.stream("select i, 'a text that lies in the heap ' || i as t from range(4000) t(i)");
    const table = tableSchemaOf(result);
    const builder = new BatchBuilder(table);
    for (
      let chunk = await result.fetchChunk();
      chunk !== null && chunk.rowCount > 0;
      chunk = await result.fetchChunk()
    ) {
      expect([...builder.add(chunk)]).toEqual([]);
      expect(chunk.rowCount).toBe(0);
    }
    const rows = batchRows(builder.finish()!, table);
    expect(rows).toHaveLength(4000);
    expect(rows[2500]).toEqual({ i: 2500n, t: "a text that lies in the heap 2500" });
  });

  it("has values even where all are null, for readers that do not look at the bitmap first", async () => {
    const fixed = ["boolean", "tinyint", "integer", "double", "decimal(9, 2)", "hugeint", "uuid", "date", "timestamp"];
    const columns = fixed.map((type, index) => `null::${type} as c${index}`);
    const { batches } = await arrowRows(connection, `select ${columns.join(", ")} from range(10)`);
    for (const data of batches[0]!.data.children) {
      expect(data.nullCount).toBe(10);
      expect((data.values as ArrayBufferView).byteLength).toBeGreaterThan(0);
    }
  });

  it("has zero where a value is null, not what lay in memory", async () => {
    await connection.run("create or replace temp table wide as select i, i::varchar || 'v' as t from range(4000) t(i)");
    const { batches } = await arrowRows(
      connection,
      `select if(i % 3 = 0, null, -1 - i) as n, if(i % 3 = 0, null, (-1 - i)::decimal(9, 0)) as d,
              if(i % 3 = 0, null, 'b'::enum('a', 'b')) as e, if(i % 3 = 0, null, i % 3 = 1) as b from wide`,
    );
    for (const batch of batches) {
      const [n, d, e, b] = batch.data.children.map(({ values }) => values as ArrayLike<number | bigint>);
      for (let row = 0; row < batch.numRows; row += 3) {
        expect([n![row], d![row * 4], d![row * 4 + 3], e![row]]).toEqual([0n, 0, 0, 0]);
        expect((Number(b![row >> 3]) >> (row & 7)) & 1).toBe(0);
      }
    }
  });

  it("is null below a null, whatever DuckDB has there", () => {
    const types = [STRUCT({ a: INTEGER }), ARRAY(INTEGER, 2)];
    const chunk = DuckDBDataChunk.create(types, 2);
    for (const [index] of types.entries()) {
      const vector = duckdb.data_chunk_get_vector(chunk.chunk, index);
      const child = index === 0 ? duckdb.struct_vector_get_child(vector, 0) : duckdb.array_vector_get_child(vector);
      duckdb.copy_data_to_vector(child, 0, Int32Array.of(11, 12, 13, 14).buffer, 0, (index + 1) * 8);
      duckdb.vector_ensure_validity_writable(vector);
      duckdb.copy_data_to_vector_validity(vector, 0, Uint8Array.of(0b10).buffer, 0, 1);
    }
    const columns = types.map((type, index) => ({ name: `c${index}`, type: dataTypeOfDuckDB(type), nullable: true }));
    const builder = new BatchBuilder({ columns });
    expect([...builder.add(chunk)]).toEqual([]);
    const [struct, array] = builder.finish()!.data.children.map(({ children }) => children[0]!);
    expect([struct!.nullCount, [...(struct!.values as Int32Array)]]).toEqual([1, [0, 12]]);
    expect([array!.nullCount, [...(array!.values as Int32Array)]]).toEqual([2, [0, 0, 13, 14]]);
  });

  it("says exactly how many nulls there are, and brings no bitmap when there are none", async () => {
    const sql = "select i, nullif(i % 7, 0) as n, case when i >= 3000 then i end as late from range(5001) t(i)";
    const { batches } = await arrowRows(connection, sql);
    const [i, n, late] = batches[0]!.data.children;
    expect([i!.nullCount, n!.nullCount, late!.nullCount]).toEqual([0, 715, 3000]);
    expect(i!.nullBitmap).toBeUndefined();
    expect(late!.nullBitmap.byteLength).toBe(626);
    // Nothing behind the last row, of which the last byte has one bit.
    expect(late!.nullBitmap[625]).toBe(1);
  });
});
