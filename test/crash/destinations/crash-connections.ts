import { basename, join } from "node:path";
import { duckdb, parquetDataset } from "../../../src/adapters/duckdb/entry.js";
import { lance } from "../../../src/adapters/lance/entry.js";
import { mysql } from "../../../src/adapters/mysql/entry.js";
import { postgres } from "../../../src/adapters/postgres/entry.js";
import { sqlite } from "../../../src/adapters/sqlite/entry.js";
import type { Connection } from "../../../src/ports/connection.js";

/**
 * Each destination that is tried, as the first process and the second open it in the folder of their trial: the
 * connection `out`, whose table `rows` is written. Apart from all else about them, so that a process starts quickly.
 */
export const CRASH_CONNECTIONS = {
  sqlite: (folder) => sqlite(sqliteFileIn(folder), { access: "read_write" }),
  "duckdb file": (folder) => duckdb(duckdbFileIn(folder), { access: "read_write" }),
  lance: (folder) => lance(lakeIn(folder)),
  "parquet dataset": (folder) => parquetDataset(lakeIn(folder)),
  postgres: (folder) => postgres(serverUrl("postgres"), { access: "read_write", schema: basename(folder) }),
  mysql: (folder) => mysql(mysqlDatabaseOf(folder), { access: "read_write" }),
} as const satisfies Readonly<Record<string, (folder: string) => Connection>>;

export type CrashDestinationName = keyof typeof CRASH_CONNECTIONS;

export const sqliteFileIn = (folder: string): string => join(folder, "out.db");
export const duckdbFileIn = (folder: string): string => join(folder, "out.duckdb");
export const lakeIn = (folder: string): string => join(folder, "lake");

/** The trial's own database, which has the name of its folder. */
export function mysqlDatabaseOf(folder: string): string {
  return Object.assign(new URL(serverUrl("mysql")), { pathname: `/${basename(folder)}` }).href;
}

/** The processes of a trial learn of its server by the environment. */
const SERVER_VARIABLES = { postgres: "MILLRACE_CRASH_POSTGRES_URL", mysql: "MILLRACE_CRASH_MYSQL_URL" } as const;

export function nameServer(system: keyof typeof SERVER_VARIABLES, url: string): void {
  process.env[SERVER_VARIABLES[system]] = url;
}

export function serverUrl(system: keyof typeof SERVER_VARIABLES): string {
  const given = process.env[SERVER_VARIABLES[system]];
  if (given === undefined) throw new Error("no server was started for the trial");
  return given;
}
