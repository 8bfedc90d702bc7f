import { DuckDBInstance } from "@duckdb/node-api";
import { afterEach, expect, test, vi } from "vitest";
import { BatchBuilder } from "../../../../src/adapters/duckdb/arrow/batch-builder.js";
import { DriverCopies } from "../../../../src/adapters/duckdb/arrow/driver-copies.js";
import { tableSchemaOf } from "./round-trip.js";

afterEach(() => void vi.restoreAllMocks());

test("what the driver copied of a chunk is freed when the next one is read", async () => {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const result = await connection.stream(
    "select i, i % 2 = 0 as b, [i, i + 1] as l, 'a text that lies in the heap ' || i as t from range(4096) t(i)",
  );
  const vectors = vi.spyOn(DriverCopies.prototype, "ofVector");
  const texts = vi.spyOn(DriverCopies.prototype, "ofPointer");
  const copies = (): Uint8Array[] =>
    [...vectors.mock.results, ...texts.mock.results].map(({ value }) => value as Uint8Array);
  const builder = new BatchBuilder(tableSchemaOf(result));
  const read = async (): Promise<void> => void [...builder.add((await result.fetchChunk())!)];
  await read();
  const first = copies();
  expect(first.length).toBeGreaterThanOrEqual(6);
  expect(first.filter(({ byteLength }) => byteLength === 0)).toEqual([]);
  await read();
  expect(first.filter(({ byteLength }) => byteLength > 0)).toEqual([]);
  expect(builder.finish()?.numRows).toBe(4096);
  connection.closeSync();
  instance.closeSync();
});

test("texts that were read are freed before the chunk ends, where they are large", async () => {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const result = await connection.stream("select repeat(chr(97 + i::integer % 26), 500_000) as t from range(16) t(i)");
  const texts = vi.spyOn(DriverCopies.prototype, "ofPointer");
  const builder = new BatchBuilder(tableSchemaOf(result));
  const batches = [...builder.add((await result.fetchChunk())!)];
  const held = texts.mock.results.reduce((sum, { value }) => sum + (value as Uint8Array).byteLength, 0);
  expect(held).toBeLessThan(4_000_000);
  expect(batches.reduce((sum, { numRows }) => sum + numRows, 0)).toBeGreaterThan(8);
  connection.closeSync();
  instance.closeSync();
});
