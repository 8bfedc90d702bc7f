import { rm } from "node:fs/promises";
import { join } from "node:path";
import { duckdb, parquetDataset } from "millrace/duckdb";
import { lance } from "millrace/lance";
import { connect } from "@lancedb/lancedb";
import type { Table } from "apache-arrow";
import { arrowTable } from "./arrow-vectors.js";
import { contest, type Contest } from "./contest.js";
import { median, reported, type Figure } from "./figure.js";
import { flights, type LoadTable, rowsWithStrings, secondsOf, secondsOfLoad, withDuckDB } from "./load-tables.js";
import { inTemporaryFolder } from "./temporary-folder.js";

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

/**
 * Both sides begin with an open DuckDB and end with a whole file that another process may open: a run has it attached only as
 * long as it needs it. To detach it is part of the work: DuckDB then puts its log into the file and joins row groups that are
 * not full, which for the flights takes half as long as the statement itself.
 */
function duckdbFile(table: LoadTable, folder: string): Contest {
  const path = join(folder, "out.duckdb");
  const closing: number[] = [];
  const emptied = async (): Promise<void> => {
    await Promise.all(["", ".wal"].map((end) => rm(path + end, { force: true })));
  };
  return {
    name: `${table.name} into a DuckDB file`,
    stallBoundMs: 50,
    rows: table.rows,
    ours: async (watch) => {
      await emptied();
      const out = duckdb(path, { access: "read_write" });
      return secondsOfLoad(table, out, { table: "out.t", createIfMissing: true }, watch);
    },
    others: [
      {
        name: "create table as and detach",
        bound: 0.9,
        isHere: true,
        load: async () => {
          await emptied();
          return withDuckDB(":memory:", async (run) => {
            const written = await secondsOf(async () => {
              await run(`attach '${path}' as out`);
              await run(`create table out.t as from '${table.path}'`);
            });
            const closed = await secondsOf(() => run("detach out"));
            closing.push(closed / (written + closed));
            return written + closed;
          });
        },
        also: () => [reported(`${table.name} into a DuckDB file: detach, of the other`, 100 * median(closing), "%")],
      },
    ],
  };
}

function parquetFiles(table: LoadTable, folder: string): Contest {
  const ours = join(folder, "dataset");
  const theirs = join(folder, "copy.parquet");
  return {
    name: `${table.name} into a Parquet dataset`,
    stallBoundMs: 50,
    rows: table.rows,
    ours: async (watch) => {
      await rm(ours, { recursive: true, force: true });
      return secondsOfLoad(table, parquetDataset(ours), { table: "out.t", createIfMissing: true }, watch);
    },
    others: [
      {
        name: "copy",
        bound: 0.9,
        isHere: true,
        load: async () => {
          await rm(theirs, { force: true });
          return withDuckDB(":memory:", (run) => secondsOf(() => run(`copy (from '${table.path}') to '${theirs}'`)));
        },
      },
    ],
  };
}

async function lanceTable(table: LoadTable, folder: string, bound: number): Promise<Contest> {
  const ours = join(folder, "lance");
  const theirs = join(folder, "add");
  const ready: Table = await arrowTable(table);
  return {
    name: `${table.name} into Lance`,
    stallBoundMs: 20,
    rows: table.rows,
    ours: async (watch) => {
      await rm(ours, { recursive: true, force: true });
      const out = lance(ours, { maxCommitBytes: 2 * 1024 ** 3 });
      return secondsOfLoad(table, out, { table: "out.t", createIfMissing: true }, watch);
    },
    others: [
      {
        name: "add",
        bound,
        isHere: true,
        load: async () => {
          await rm(theirs, { recursive: true, force: true });
          const database = await connect(theirs);
          const target = await database.createEmptyTable("t", ready.schema);
          const seconds = await secondsOf(async () => void (await target.add(ready)));
          database.close();
          return seconds;
        },
      },
    ],
  };
}
