import Database from "better-sqlite3";
import mysql from "mysql2/promise";
import pg from "pg";
import type { PreparedRun } from "../../src/runs/prepared-run.js";
import type { RunHandle } from "../../src/runs/run-handle.js";
import type { LedgerPlace } from "./ledger-place.js";

/** The host's own table, beside the ledger's. */
export const HOST_TABLE = "host_changes";
export const MAKE_HOST_TABLE = `create table if not exists ${HOST_TABLE} (tag varchar(100) primary key)`;

/**
 * Inserts a prepared run in a transaction of the host's own, with a change of the host's.
 *
 * @param end how the transaction ends. `die`: the process dies before it does.
 */
export async function inHostTransaction(
  place: LedgerPlace,
  tag: string,
  end: "commit" | "rollback" | "die",
  prepared: PreparedRun,
): Promise<RunHandle> {
  switch (place.kind) {
    case "sqlite":
      return inSqlite(place.path, tag, end, prepared);
    case "postgres":
      return inPostgres(place.url, tag, end, prepared);
    case "mysql":
      return inMysql(place.url, tag, end, prepared);
  }
}

function inSqlite(path: string, tag: string, end: "commit" | "rollback" | "die", prepared: PreparedRun): RunHandle {
  const database = new Database(path, { timeout: 2_000 });
  try {
    database.exec(`begin immediate; ${MAKE_HOST_TABLE}`);
    database.prepare(`insert into ${HOST_TABLE} values (?)`).run(tag);
    const handle = prepared.insertSync(database);
    if (end === "die") process.kill(process.pid, "SIGKILL");
    database.exec(end);
    return handle;
  } finally {
    database.close();
  }
}

async function inPostgres(
  url: string,
  tag: string,
  end: "commit" | "rollback" | "die",
  prepared: PreparedRun,
): Promise<RunHandle> {
  const client = new pg.Client({ connectionString: url });
  // A connection that is cut is told by the query that meets it.
  client.on("error", () => undefined);
  await client.connect();
  try {
    await client.query("begin");
    await client.query(`insert into ${HOST_TABLE} values ($1)`, [tag]);
    const handle = await prepared.insert(client);
    if (end === "die") process.kill(process.pid, "SIGKILL");
    await client.query(end);
    return handle;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function inMysql(
  url: string,
  tag: string,
  end: "commit" | "rollback" | "die",
  prepared: PreparedRun,
): Promise<RunHandle> {
  const connection = await mysql.createConnection(url);
  // A connection that is cut is told by the query that meets it.
  connection.on("error", () => undefined);
  try {
    await connection.beginTransaction();
    await connection.execute(`insert into ${HOST_TABLE} values (?)`, [tag]);
    const handle = await prepared.insert(connection);
    if (end === "die") process.kill(process.pid, "SIGKILL");
    await connection.query(end);
    return handle;
  } finally {
    connection.destroy();
  }
}
