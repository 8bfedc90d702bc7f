import { performance } from "node:perf_hooks";
import { DuckDBInstance } from "@duckdb/node-api";
import { type RecordBatch, Table } from "apache-arrow";
import { type RowStream, systemClock } from "millrace";
import { DuckDBEngine, parquet } from "millrace/duckdb";
import { atLeast, median, reported, type Figure } from "./figure.js";
import { flights, type LoadTable } from "./load-tables.js";

const ROUNDS = 3;

/** 3 M flights out of DuckDB as Arrow batches, beside `getRows()` of the same chunks. */
export async function arrowVectors(): Promise<readonly Figure[]> {
  const pairs: { readonly ours: number; readonly theirs: number }[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const theirs = await readRows(flights);
    const ours = await readBatches(flights, () => undefined);
    if (round > 0) pairs.push({ ours, theirs });
  }
  const name = `${flights.name} out of DuckDB as Arrow, beside getRows()`;
  return [
    atLeast(`${name}: times as fast`, median(pairs.map((pair) => pair.theirs / pair.ours)), 8, "×"),
    reported(`${name}: Arrow`, flights.rows / median(pairs.map((pair) => pair.ours)) / 1e6, "M rows/s"),
    reported(`${name}: getRows()`, flights.rows / median(pairs.map((pair) => pair.theirs)) / 1e6, "M rows/s"),
  ];
}

/** The whole table in memory. */
export async function arrowTable(table: LoadTable): Promise<Table> {
  const batches: RecordBatch[] = [];
  await readBatches(table, (batch) => batches.push(batch));
  return new Table(batches);
}

/** Seconds from the query to its proven end, in an engine that is open. */
async function readBatches(table: LoadTable, take: (batch: RecordBatch) => void): Promise<number> {
  const engine = new DuckDBEngine();
  await engine.open({ connections: new Map([["source", parquet(table.path)]]), clock: systemClock, logger: console });
  const from = performance.now();
  const query = { template: [{ text: "select * from source" }], parameters: new Map() };
  const stream: RowStream = await engine.stream(query, { signal: new AbortController().signal });
  let rows = 0;
  for await (const batch of stream) {
    rows += batch.numRows;
    take(batch);
  }
  const seconds = (performance.now() - from) / 1_000;
  await engine.close();
  if (rows !== table.rows) throw new Error(`${rows} rows came out of ${table.path}`);
  return seconds;
}

async function readRows(table: LoadTable): Promise<number> {
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  const from = performance.now();
  const result = await connection.stream(`select * from '${table.path}'`);
  let rows = 0;
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    rows += chunk.getRows().length;
  }
  const seconds = (performance.now() - from) / 1_000;
  connection.closeSync();
  if (rows !== table.rows) throw new Error(`${rows} rows came out of ${table.path}`);
  return seconds;
}
