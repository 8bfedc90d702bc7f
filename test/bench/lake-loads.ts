import { rm } from "node:fs/promises";
import { join } from "node:path";
import { duckdb, parquetDataset } from "millrace/duckdb";
import { lance } from "millrace/lance";
import { connect } from "@lancedb/lancedb";
import type { Table } from "apache-arrow";
import { arrowTable } from "./arrow-vectors.js";
import { atLeast, atMost, median, reported, type Figure } from "./figure.js";
import { watchHost, type HostHealth } from "./host-probe.js";
import { flights, type LoadTable, rowsWithStrings, secondsOf, secondsOfLoad, withDuckDB } from "./load-tables.js";
import { inTemporaryFolder } from "./temporary-folder.js";

const ROUNDS = 5;

/** Two ways to load one table, timed in turns. */
interface Contest {
  readonly name: string;
  readonly bound: number;
  readonly stallBoundMs: number;
  readonly ours: (watch: Watch) => Promise<number>;
  readonly theirs: () => Promise<number>;
  readonly rows: number;
}

type Watch = (work: () => Promise<void>) => Promise<void>;

/** Whole runs into DuckDB files and Parquet datasets, beside the same rows written by DuckDB's own statements. */
export async function lakeLoads(): Promise<readonly Figure[]> {
  return inTemporaryFolder(async (folder) => {
    const figures: Figure[] = [];
    for (const table of [flights, await rowsWithStrings(folder)]) {
      figures.push(...(await contest(duckdbFile(table, folder))), ...(await contest(parquetFiles(table, folder))));
    }
    return figures;
  });
}

/** Whole runs into Lance, beside Lance's `add` of the same rows as a ready Arrow table. */
export async function lanceLoads(): Promise<readonly Figure[]> {
  return inTemporaryFolder(async (folder) => {
    const figures: Figure[] = [];
    figures.push(...(await contest(await lanceTable(flights, folder, 0.55))));
    figures.push(...(await contest(await lanceTable(await rowsWithStrings(folder), folder, 0.7))));
    return figures;
  });
}

function duckdbFile(table: LoadTable, folder: string): Contest {
  const path = join(folder, "out.duckdb");
  const emptied = async (): Promise<void> => {
    await Promise.all(["", ".wal"].map((end) => rm(path + end, { force: true })));
  };
  return {
    name: `${table.name} into a DuckDB file, beside create table as`,
    bound: 0.9,
    stallBoundMs: 50,
    rows: table.rows,
    ours: async (watch) => {
      await emptied();
      const out = duckdb(path, { access: "read_write" });
      return secondsOfLoad(table, out, { table: "out.t", createIfMissing: true }, watch);
    },
    theirs: async () => {
      await emptied();
      return withDuckDB(path, (run) => secondsOf(() => run(`create table t as from '${table.path}'`)));
    },
  };
}

function parquetFiles(table: LoadTable, folder: string): Contest {
  const ours = join(folder, "dataset");
  const theirs = join(folder, "copy.parquet");
  return {
    name: `${table.name} into a Parquet dataset, beside copy`,
    bound: 0.9,
    stallBoundMs: 50,
    rows: table.rows,
    ours: async (watch) => {
      await rm(ours, { recursive: true, force: true });
      return secondsOfLoad(table, parquetDataset(ours), { table: "out.t", createIfMissing: true }, watch);
    },
    theirs: async () => {
      await rm(theirs, { force: true });
      return withDuckDB(":memory:", (run) => secondsOf(() => run(`copy (from '${table.path}') to '${theirs}'`)));
    },
  };
}

async function lanceTable(table: LoadTable, folder: string, bound: number): Promise<Contest> {
  const ours = join(folder, "lance");
  const theirs = join(folder, "add");
  const ready: Table = await arrowTable(table);
  return {
    name: `${table.name} into Lance, beside add`,
    bound,
    stallBoundMs: 20,
    rows: table.rows,
    ours: async (watch) => {
      await rm(ours, { recursive: true, force: true });
      const out = lance(ours, { maxCommitBytes: 2 * 1024 ** 3 });
      return secondsOfLoad(table, out, { table: "out.t", createIfMissing: true }, watch);
    },
    theirs: async () => {
      await rm(theirs, { recursive: true, force: true });
      const database = await connect(theirs);
      const target = await database.createEmptyTable("t", ready.schema);
      const seconds = await secondsOf(async () => void (await target.add(ready)));
      database.close();
      return seconds;
    },
  };
}

async function contest({ name, bound, stallBoundMs, rows, ours, theirs }: Contest): Promise<readonly Figure[]> {
  const health: HostHealth[] = [];
  const watch: Watch = async (work) => void health.push(await watchHost(work));
  await ours(watch);
  health.length = 0;
  const pairs: { readonly ours: number; readonly theirs: number }[] = [];
  for (let round = 0; round < ROUNDS; round += 1) pairs.push({ theirs: await theirs(), ours: await ours(watch) });
  return [
    atLeast(`${name}: times as fast`, median(pairs.map((pair) => pair.theirs / pair.ours)), bound, "×"),
    reported(`${name}: a run`, rows / median(pairs.map((pair) => pair.ours)) / 1e6, "M rows/s"),
    reported(`${name}: the other`, rows / median(pairs.map((pair) => pair.theirs)) / 1e6, "M rows/s"),
    atMost(`${name}: event loop delay p99`, median(health.map(({ loopP99Ms }) => loopP99Ms)), 10, "ms"),
    atMost(`${name}: event loop delay max`, median(health.map(({ loopMaxMs }) => loopMaxMs)), stallBoundMs, "ms"),
    atMost(`${name}: fs.stat p99`, median(health.map(({ statP99Ms }) => statP99Ms)), 50, "ms"),
  ];
}
