import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { createConnection } from "mysql2/promise";
import pg from "pg";
import { duckdb, parquetDataset } from "../../src/adapters/duckdb/entry.js";
import { lance } from "../../src/adapters/lance/entry.js";
import { memory, type MemoryConnection } from "../../src/adapters/memory/memory-connection.js";
import { mysql } from "../../src/adapters/mysql/entry.js";
import { postgres } from "../../src/adapters/postgres/entry.js";
import { sqlite } from "../../src/adapters/sqlite/entry.js";
import type { Connection } from "../../src/ports/connection.js";
import { startMariadb } from "../../test/support/mariadb-server.js";
import { startPostgres } from "../../test/support/postgres-server.js";
import { MYSQL_SAMPLES, type NativeSamples, POSTGRES_SAMPLES, SQLITE_SAMPLES } from "./native-samples.js";

/** The systems that types move between, by the names of their connections. */
export interface SampleSystems extends AsyncDisposable {
  readonly memory: MemoryConnection;
  /** New connections to all of them; the one in memory is always the same. */
  open(): Readonly<Record<string, Connection>>;
}

/** Starts the databases, each with a table `samples` of its own types, whose columns are `c0`, `c1`, … beside a number `n`. */
export async function sampleSystems(): Promise<SampleSystems> {
  const [postgresServer, mariadbServer, folder] = await Promise.all([
    startPostgres({ fsync: false }),
    startMariadb({ fsync: false }),
    mkdtemp(join(tmpdir(), "millrace-types-")),
  ]);
  const dispose = async (): Promise<void> => {
    await Promise.all([postgresServer[Symbol.asyncDispose](), mariadbServer[Symbol.asyncDispose]()]);
    await rm(folder, { recursive: true, force: true });
  };
  const held = memory();
  const sqlitePath = join(folder, "samples.db");
  try {
    const [postgresUrl, mysqlUrl] = await Promise.all([
      postgresServer.createDatabase(),
      mariadbServer.createDatabase(),
    ]);
    await fillPostgres(postgresUrl);
    await fillMysql(mysqlUrl);
    fillSqlite(sqlitePath);
    const writable = { access: "read_write" } as const;
    return {
      memory: held,
      open: () => ({
        // DuckDB keeps the name "memory" for itself.
        ram: held,
        duckdb: duckdb(join(folder, "samples.duckdb"), writable),
        parquet: parquetDataset(join(folder, "dataset")),
        lance: lance(join(folder, "lance")),
        sqlite: sqlite(sqlitePath, writable),
        postgres: postgres(postgresUrl, writable),
        mysql: mysql(mysqlUrl, writable),
      }),
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function fillPostgres(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`set time zone 'UTC'; ${statements(POSTGRES_SAMPLES).join("; ")}`).finally(() => client.end());
}

async function fillMysql(url: string): Promise<void> {
  const connection = await createConnection(url);
  for (const statement of statements(MYSQL_SAMPLES)) await connection.query(statement);
  await connection.end();
}

function fillSqlite(path: string): void {
  const database = new Database(path);
  for (const statement of statements(SQLITE_SAMPLES)) database.exec(statement);
  database.close();
}

/** What makes the table and fills it: row after row with the next value of each column, or null where there is none. */
function statements({ setUp, columns }: NativeSamples): readonly string[] {
  const declared = columns.map(([type], index) => `c${index} ${type}`).join(", ");
  const longest = Math.max(...columns.map(([, ...values]) => values.length));
  const rows = Array.from({ length: longest + 1 }, (_, row) => {
    return `(${[row, ...columns.map(([, ...values]) => values[row] ?? "null")].join(", ")})`;
  });
  return [setUp, `create table samples (n integer, ${declared})`, `insert into samples values ${rows.join(", ")}`];
}
