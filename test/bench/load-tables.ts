import { join, resolve } from "node:path";
import { performance } from "node:perf_hooks";
import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import { defineJob, JobExecutor, MemoryJobStore, type Connection, type JobSpec } from "millrace";
import { DuckDBEngine, parquet } from "millrace/duckdb";
import { SCALE, scaled } from "./scale.js";

/** A table that is loaded, as a Parquet file. */
export interface LoadTable {
  readonly name: string;
  readonly path: string;
  readonly rows: number;
}

const FLIGHTS = resolve(import.meta.dirname, "../../node_modules/vega-datasets/data/flights-3m.parquet");

/** 3 M flights: five columns, two of them short texts. */
export const flights: LoadTable = { name: "3 M flights", path: FLIGHTS, rows: 3_000_000 };

/** Flights, the rows with strings and the wide ones, which every database is loaded with. */
export async function databaseTables(
  folder: string,
): Promise<Readonly<Record<"flights" | "strings" | "wide", LoadTable>>> {
  return { flights: await scaledFlights(folder), strings: await rowsWithStrings(folder), wide: await wideRows(folder) };
}

async function scaledFlights(folder: string): Promise<LoadTable> {
  if (SCALE === 1) return flights;
  return written(
    folder,
    "flights",
    { ...flights, rows: scaled(flights.rows) },
    (rows) => `from '${FLIGHTS}' limit ${rows}`,
  );
}

/** 5 M rows of six columns, with texts of up to forty characters. */
export function rowsWithStrings(folder: string): Promise<LoadTable> {
  return written(folder, "strings", { name: "5 M rows with strings", rows: scaled(5_000_000) }, (rows) => {
    return `select i as id, i * 0.25 as amount, timestamp '2020-01-01' + interval (i) second as at,
      'group ' || (i % 1000) as category, md5(i::varchar) as digest, 'a note of about forty letters ' || i as note
      from range(${rows}) t(i)`;
  });
}

/** 2 M rows of twenty columns, with decimals and with nulls in most of them. */
function wideRows(folder: string): Promise<LoadTable> {
  return written(folder, "wide", { name: "2 M wide rows", rows: scaled(2_000_000) }, (rows) => {
    const columns = [
      "i as id",
      ...["i % 7", "i * 31 % 100003"].map((value, n) => `${sometimes(value, n)}::integer as whole${n}`),
      ...["i * 7919", "-i"].map((value, n) => `${sometimes(value, n)} as large${n}`),
      ...["i * 0.1", "sqrt(i)", "-i / 3"].map((value, n) => `${sometimes(value, n)}::double as float${n}`),
      ...["i / 100", "i % 997 / 8", "-i / 16"].map((value, n) => `${sometimes(value, n)}::decimal(18,4) as price${n}`),
      `${sometimes("i * 1e9", 3)}::decimal(38,10) as total`,
      ...["i", "i * 60"].map((value, n) => `timestamp '2020-01-01' + interval (${value}) second as at${n}`),
      ...["i % 3000", "i % 365"].map((value, n) => `date '2015-01-01' + (${value})::integer as day${n}`),
      ...["'code ' || i % 50", "'name ' || i % 5000", "md5((i % 999)::varchar)", "'no ' || i"].map(
        (value, n) => `${sometimes(value, n)} as text${n}`,
      ),
    ];
    return `select ${columns.join(", ")} from range(${rows}) t(i)`;
  });
}

/** A null in every few rows, elsewhere for each column. */
function sometimes(value: string, n: number): string {
  return `if(i % ${5 + n} = ${n}, null, ${value})`;
}

async function written(
  folder: string,
  file: string,
  table: Omit<LoadTable, "path">,
  query: (rows: number) => string,
): Promise<LoadTable> {
  const path = join(folder, `${file}.parquet`);
  await withDuckDB(":memory:", (run) => run(`copy (${query(table.rows)}) to '${path}'`));
  return { ...table, path };
}

/** Runs `act` on a DuckDB of its own, at `path`, and closes it. */
export async function withDuckDB<T>(
  path: string,
  act: (run: (sql: string) => Promise<void>, connection: DuckDBConnection) => Promise<T>,
): Promise<T> {
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  try {
    return await act(async (sql) => void (await connection.run(sql)), connection);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** Seconds from submit to the end of one run that loads the table into `out`, with the executor already started. */
export function secondsOfLoad(
  table: LoadTable,
  out: Connection,
  destination: JobSpec<string, undefined>["destination"],
  watch?: (work: () => Promise<void>) => Promise<unknown>,
): Promise<number> {
  return secondsOfRun(
    { query: "select * from source", source: parquet(table.path), out, destination, rows: table.rows },
    watch,
  );
}

/** A run without rows makes a table with the columns of this one. */
export async function makeTable(table: LoadTable, out: Connection): Promise<void> {
  const destination = { table: "out.t", createIfMissing: true };
  await secondsOfRun({ query: "select * from source limit 0", source: parquet(table.path), out, destination, rows: 0 });
}

export interface MeasuredRun {
  /** Over `source` and tables of it. */
  readonly query: string;
  readonly source: Connection;
  readonly out: Connection;
  readonly destination: JobSpec<string, undefined>["destination"];
  /** How many it must have written. */
  readonly rows: number;
  /** Of the engine. Default: its own. */
  readonly memoryLimit?: string;
}

/** Seconds from submit to the end of one run, with the executor already started. */
export async function secondsOfRun(
  { query, source, out, destination, rows, memoryLimit }: MeasuredRun,
  watch: (work: () => Promise<void>) => Promise<unknown> = (work) => work(),
): Promise<number> {
  const executor = new JobExecutor({
    engine: new DuckDBEngine(memoryLimit === undefined ? {} : { memoryLimit }),
    store: new MemoryJobStore(),
    connections: { source, out },
    jobs: [defineJob({ name: "load", query, destination })],
  });
  await executor.start();
  let seconds = Number.NaN;
  await watch(async () => {
    const from = performance.now();
    const end = await (await executor.submitOrThrow("load")).result();
    seconds = (performance.now() - from) / 1_000;
    if (end.status !== "succeeded" || end.rowsWritten !== rows) {
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
