import { spawnSync } from "node:child_process";
import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { defineJob, JobExecutor, MemoryJobStore } from "millrace";
import { DuckDBEngine, parquet } from "millrace/duckdb";
import { sqlite } from "millrace/sqlite";
import { atLeast, type Figure, median, reported } from "./figure.js";
import { inTemporaryFolder } from "./temporary-folder.js";

const FLIGHTS = resolve(import.meta.dirname, "../../node_modules/vega-datasets/data/flights-3m.parquet");
const ROWS = 3_000_000;
const ROUNDS = 3;
/** The same for both sides. A date column of another type would only cost .import more, which tries to read a number. */
const TABLE = "create table flights (date TEXT, delay INTEGER, distance INTEGER, origin TEXT, destination TEXT)";

/** 3 M flights from Parquet into SQLite, beside the `.import` of the sqlite3 shell from a CSV file of the same rows. */
export async function sqliteLoad(): Promise<readonly Figure[]> {
  return inTemporaryFolder(async (folder) => {
    const csv = join(folder, "flights.csv");
    await writeCsv(csv);
    const figures: Figure[] = [];
    for (const mode of ["delete", "wal"] as const) {
      const ours: number[] = [];
      const theirs: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        theirs.push(await secondsOfImport(folder, csv, mode));
        ours.push(await secondsOfRun(folder, mode));
      }
      const name = `3 M flights into SQLite, journal mode ${mode}`;
      figures.push(
        atLeast(`${name}: times as fast as .import`, median(theirs) / median(ours), 1.1, "×"),
        reported(`${name}: a run`, ROWS / median(ours) / 1e6, "M rows/s"),
        reported(`${name}: .import`, ROWS / median(theirs) / 1e6, "M rows/s"),
      );
    }
    return figures;
  });
}

async function writeCsv(path: string): Promise<void> {
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  await connection.run(`copy (from '${FLIGHTS}') to '${path}' (header false)`);
  connection.closeSync();
}

async function secondsOfRun(folder: string, mode: "delete" | "wal"): Promise<number> {
  const path = await emptyFile(folder, mode);
  const load = defineJob({
    name: "load",
    query: "select * from flights",
    destination: { table: "out.flights" },
  });
  const executor = new JobExecutor({
    engine: new DuckDBEngine(),
    store: new MemoryJobStore(),
    connections: { flights: parquet(FLIGHTS), out: sqlite(path, { access: "read_write" }) },
    jobs: [load],
  });
  await executor.start();
  const start = performance.now();
  const end = await (await executor.submitOrThrow("load", {})).result();
  const seconds = (performance.now() - start) / 1_000;
  await executor.stop();
  if (end.status !== "succeeded" || end.rowsWritten !== ROWS) throw new Error(`the run ended as ${end.status}`);
  return seconds;
}

async function secondsOfImport(folder: string, csv: string, mode: "delete" | "wal"): Promise<number> {
  const path = await emptyFile(folder, mode);
  const start = performance.now();
  shell(path, [".mode csv", `.import ${csv} flights`]);
  return (performance.now() - start) / 1_000;
}

async function emptyFile(folder: string, mode: "delete" | "wal"): Promise<string> {
  const path = join(folder, "out.db");
  await Promise.all(["", "-wal", "-shm", "-journal"].map((end) => rm(path + end, { force: true })));
  shell(path, [`pragma journal_mode = ${mode};`, `${TABLE};`]);
  return path;
}

function shell(path: string, commands: readonly string[]): void {
  const { status, error, stderr } = spawnSync("sqlite3", [path, ...commands], { encoding: "utf8" });
  if (status !== 0) throw new Error(`sqlite3, of the package of that name, is needed: ${error?.message ?? stderr}`);
}
