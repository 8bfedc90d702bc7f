import { rm } from "node:fs/promises";
import { join } from "node:path";
import Database from "better-sqlite3";
import { sqlite } from "millrace/sqlite";
import { contest, type Contest, type Opponent } from "./contest.js";
import type { Figure } from "./figure.js";
import { databaseTables, type LoadTable, secondsOf, secondsOfLoad } from "./load-tables.js";
import { notMeasured, programMissing, runProgram } from "./program.js";
import { columnsOf, readyFile, type ReadyColumn } from "./ready-rows.js";
import { secondsByHand } from "./rows-by-hand.js";
import { scaled } from "./scale.js";
import { inTemporaryFolder } from "./temporary-folder.js";

type JournalMode = "delete" | "wal";

const MEMORY_MB = 512;
const ROWS_BY_HAND = scaled(500_000);

/** Whole runs into a SQLite file, beside the `.import` of the shell from a ready CSV file, and row by row by hand. */
export async function sqliteLoads(): Promise<readonly Figure[]> {
  const missing = programMissing("sqlite3");
  if (missing !== undefined) notMeasured(`${missing}: nothing is beside .import`);
  return inTemporaryFolder(async (folder) => {
    const { flights, strings, wide } = await databaseTables(folder);
    const figures: Figure[] = [];
    for (const [table, mode, bound] of [
      [flights, "wal", 1.2],
      [flights, "delete", 1.2],
      [strings, "wal", 1.2],
      [wide, "wal", 1.05],
    ] as const) {
      const target = { path: join(folder, "out.db"), mode, columns: await columnsOf(table) };
      const others = [rowByRow(target, table)];
      if (missing === undefined) others.unshift(dotImport(target, table, bound, await readyFile(table, folder, "csv")));
      figures.push(...(await contest(sqliteLoad(target, table, others))));
    }
    return figures;
  });
}

interface Target {
  readonly path: string;
  readonly mode: JournalMode;
  readonly columns: readonly ReadyColumn[];
}

function sqliteLoad(target: Target, table: LoadTable, others: readonly Opponent[]): Contest {
  return {
    name: `${table.name} into SQLite, journal mode ${target.mode}`,
    rows: table.rows,
    stallBoundMs: 50,
    memoryBoundMb: MEMORY_MB,
    ours: async (watch) => {
      await emptied(target);
      return secondsOfLoad(table, sqlite(target.path, { access: "read_write" }), { table: "out.t" }, watch);
    },
    others,
  };
}

function dotImport(target: Target, table: LoadTable, bound: number, csv: string): Opponent {
  return {
    name: ".import",
    bound,
    load: async () => {
      await emptied(target);
      const seconds = await secondsOf(() => {
        return runProgram("sqlite3", [target.path, ".bail on", ".mode csv", `.import ${csv} t`]);
      });
      counted(target, table.rows);
      return seconds;
    },
  };
}

/** One prepared INSERT after the other, in one transaction. */
function rowByRow(target: Target, table: LoadTable): Opponent {
  return {
    name: "better-sqlite3 row by row",
    bound: 3,
    rows: ROWS_BY_HAND,
    load: async () => {
      await emptied(target);
      const database = new Database(target.path);
      const insert = database.prepare(`insert into t values (${target.columns.map(() => "?").join(", ")})`);
      const seconds = await secondsByHand(table, ROWS_BY_HAND, async (thousands) => {
        database.exec("begin");
        for await (const rows of thousands) for (const row of rows) insert.run(row);
        database.exec("commit");
      });
      database.close();
      counted(target, ROWS_BY_HAND);
      return seconds;
    },
  };
}

async function emptied({ path, mode, columns }: Target): Promise<void> {
  await Promise.all(["", "-wal", "-shm", "-journal"].map((end) => rm(path + end, { force: true })));
  const database = new Database(path);
  database.pragma(`journal_mode = ${mode}`);
  database.exec(
    `create table t (${columns.map(({ name, type }) => `${name} ${DECLARED[type] ?? "TEXT"}`).join(", ")})`,
  );
  database.close();
}

/** All else is text: a column of another name would only cost .import more, which tries to read a number. */
const DECLARED: Readonly<Record<string, string>> = { BIGINT: "INTEGER", INTEGER: "INTEGER", DOUBLE: "REAL" };

function counted({ path }: Target, expected: number): void {
  const database = new Database(path, { readonly: true });
  const rows = database.prepare("select count(*) from t").pluck().get();
  database.close();
  if (rows !== expected) throw new Error(`${String(rows)} rows are there, and not ${expected}`);
}
