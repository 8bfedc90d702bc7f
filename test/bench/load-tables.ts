import { join, resolve } from "node:path";
import { performance } from "node:perf_hooks";
import { DuckDBInstance } from "@duckdb/node-api";
import { defineJob, JobExecutor, MemoryJobStore, type Connection, type JobSpec } from "millrace";
import { DuckDBEngine, parquet } from "millrace/duckdb";
import { scaled } from "./scale.js";

/** A table that is loaded, as a Parquet file. */
export interface LoadTable {
  readonly name: string;
  readonly path: string;
  readonly rows: number;
}

const FLIGHTS = resolve(import.meta.dirname, "../../node_modules/vega-datasets/data/flights-3m.parquet");

/** 3 M flights: five columns, two of them short texts. */
export const flights: LoadTable = { name: "3 M flights", path: FLIGHTS, rows: 3_000_000 };

/** 5 M rows of six columns, with texts of up to forty characters. */
export async function rowsWithStrings(folder: string): Promise<LoadTable> {
  const rows = scaled(5_000_000);
  const path = join(folder, "strings.parquet");
  await withDuckDB(":memory:", (run) =>
    run(`copy (select i as id, i * 0.25 as amount, timestamp '2020-01-01' + interval (i) second as at,
      'group ' || (i % 1000) as category, md5(i::varchar) as digest, 'a note of about forty letters ' || i as note
      from range(${rows}) t(i)) to '${path}'`),
  );
  return { name: "5 M rows with strings", path, rows };
}

/** Runs `act` on a DuckDB of its own, at `path`, and closes it. */
export async function withDuckDB<T>(
  path: string,
  act: (run: (sql: string) => Promise<void>) => Promise<T>,
): Promise<T> {
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  try {
    return await act(async (sql) => void (await connection.run(sql)));
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** Seconds from submit to the end of one run that loads the table into `out`, with the executor already started. */
export async function secondsOfLoad(
  table: LoadTable,
  out: Connection,
  destination: JobSpec<string, undefined>["destination"],
  watch: (work: () => Promise<void>) => Promise<unknown> = (work) => work(),
): Promise<number> {
  const executor = new JobExecutor({
    engine: new DuckDBEngine(),
    store: new MemoryJobStore(),
    connections: { source: parquet(table.path), out },
    jobs: [defineJob({ name: "load", query: "select * from source", destination })],
  });
  await executor.start();
  let seconds = Number.NaN;
  await watch(async () => {
    const from = performance.now();
    const end = await (await executor.submitOrThrow("load")).result();
    seconds = (performance.now() - from) / 1_000;
    if (end.status !== "succeeded" || end.rowsWritten !== table.rows) {
      throw new Error(`the run ended as ${end.status}: ${end.error?.message ?? ""}`);
    }
  });
  await executor.stop();
  return seconds;
}

export async function secondsOf(work: () => Promise<void>): Promise<number> {
  const from = performance.now();
  await work();
  return (performance.now() - from) / 1_000;
}
