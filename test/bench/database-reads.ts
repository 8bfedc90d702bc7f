import { rm } from "node:fs/promises";
import { join } from "node:path";
import Database from "better-sqlite3";
import type { Connection } from "millrace";
import { parquetDataset } from "millrace/duckdb";
import { mysql } from "millrace/mysql";
import { postgres } from "millrace/postgres";
import { sqlite } from "millrace/sqlite";
import { mysqlMissing, startMariadb } from "../support/mariadb-server.js";
import { postgresMissing, startPostgres } from "../support/postgres-server.js";
import { contest, type Opponent } from "./contest.js";
import type { Figure } from "./figure.js";
import { databaseTables, type LoadTable, secondsOf, secondsOfLoad, secondsOfRun, withDuckDB } from "./load-tables.js";
import { mariadbArguments, mariadbPassword } from "./mariadb-client.js";
import { MARIADB_SETTINGS } from "./mysql-loads.js";
import { POSTGRES_SETTINGS } from "./postgres-loads.js";
import { notMeasured, programMissing, runProgram } from "./program.js";
import { columnsOf, type ReadyColumn } from "./ready-rows.js";
import { inTemporaryFolder } from "./temporary-folder.js";

const MEMORY_MB = 1_024;
/** What is read waits in the engine, on disk where it is more than this. */
const MEMORY_LIMIT = "512MB";

/** A database that holds the table, and who else reads it. */
interface ReadSystem {
  readonly name: string;
  readonly open: () => Connection;
  readonly other: (place: string, table: LoadTable) => Promise<Opponent>;
}

/** Whole runs from a database into a Parquet dataset, beside what the system and a Node developer have for the same. */
export async function databaseReads(): Promise<readonly Figure[]> {
  return inTemporaryFolder(async (folder) => {
    const tables = Object.values(await databaseTables(folder));
    return [
      ...(await postgresReads(tables, folder)),
      ...(await mysqlReads(tables, folder)),
      ...(await readContests(sqliteSystem(folder), tables, folder)),
    ];
  });
}

async function postgresReads(tables: readonly LoadTable[], folder: string): Promise<readonly Figure[]> {
  const missing = postgresMissing() ?? programMissing("psql");
  if (missing !== undefined) {
    notMeasured(missing);
    return [];
  }
  await using server = await startPostgres({ settings: POSTGRES_SETTINGS });
  const url = await server.createDatabase();
  const system: ReadSystem = {
    name: "Postgres",
    open: () => postgres(url, { access: "read_write" }),
    other: async (place, table) => copyAndRead(url, place, folder, await columnsOf(table)),
  };
  return await readContests(system, tables, folder);
}

/** COPY TO a file by psql, and DuckDB's own reader of it, which is told the types. */
function copyAndRead(url: string, place: string, folder: string, columns: readonly ReadyColumn[]): Opponent {
  const csv = join(folder, "copied.csv");
  const file = join(folder, "copied.parquet");
  const types = columns.map(({ name, type }) => `'${name}': '${type}'`).join(", ");
  return {
    name: "COPY TO a file and read_csv",
    bound: 0.6,
    load: async () => {
      await rm(file, { force: true });
      return withDuckDB(":memory:", (run) =>
        secondsOf(async () => {
          await runProgram("psql", ["-X", "-d", url, "-c", `\\copy ${place} to '${csv}' with (format csv)`]);
          await run(`copy (from read_csv('${csv}', header = false, columns = {${types}})) to '${file}'`);
        }),
      );
    },
  };
}

async function mysqlReads(tables: readonly LoadTable[], folder: string): Promise<readonly Figure[]> {
  const missing = mysqlMissing() ?? programMissing("mariadb");
  if (missing !== undefined) {
    notMeasured(missing);
    return [];
  }
  await using server = await startMariadb({ settings: MARIADB_SETTINGS });
  const url = await server.createDatabase();
  const select = (place: string): readonly string[] => ["--quick", "--batch", "-e", `select * from ${place}`];
  const system: ReadSystem = {
    name: "MariaDB",
    open: () => mysql(url, { access: "read_write" }),
    other: async (place) => ({
      name: "the client's --quick to nowhere",
      bound: 0.8,
      load: () => {
        const args = [...mariadbArguments(url), ...select(place)];
        return secondsOf(() => runProgram("mariadb", args, mariadbPassword(url)));
      },
    }),
  };
  return await readContests(system, tables, folder);
}

function sqliteSystem(folder: string): ReadSystem {
  const path = join(folder, "from.db");
  return {
    name: "SQLite",
    open: () => sqlite(path, { access: "read_write" }),
    other: async (place, table) => ({
      name: "better-sqlite3's iterate()",
      load: async () => {
        const database = new Database(path, { readonly: true });
        let rows = 0;
        const seconds = await secondsOf(async () => {
          for (const _row of database.prepare(`select * from ${place}`).iterate()) rows += 1;
        });
        database.close();
        if (rows !== table.rows) throw new Error(`${rows} rows came, and not ${table.rows}`);
        return seconds;
      },
    }),
  };
}

async function readContests(
  { name, open, other }: ReadSystem,
  tables: readonly LoadTable[],
  folder: string,
): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  const lake = join(folder, "lake");
  for (const [number, table] of tables.entries()) {
    const place = `t${number}`;
    await secondsOfLoad(table, open(), { table: `out.${place}`, createIfMissing: true });
    const between = {
      name: `${table.name} from ${name} into Parquet`,
      rows: table.rows,
      stallBoundMs: 50,
      memoryBoundMb: MEMORY_MB,
      others: [await other(place, table)],
    };
    const ours = async (watch: (work: () => Promise<void>) => Promise<void>): Promise<number> => {
      await rm(lake, { recursive: true, force: true });
      const destination = { table: "out.t", createIfMissing: true };
      const query = `select * from source.${place}`;
      const out = parquetDataset(lake);
      const run = { query, source: open(), out, destination, rows: table.rows, memoryLimit: MEMORY_LIMIT };
      return secondsOfRun(run, watch);
    };
    figures.push(...(await contest({ ...between, ours })));
  }
  return figures;
}
