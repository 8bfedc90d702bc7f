import Database from "better-sqlite3";
import { join } from "node:path";
import mysql, { type RowDataPacket } from "mysql2/promise";
import pg from "pg";
import { setTimeout as pause } from "node:timers/promises";
import type { MariadbServer } from "../support/mariadb-server.js";
import type { PostgresServer } from "../support/postgres-server.js";
import { HOST_TABLE, MAKE_HOST_TABLE } from "./host-transaction.js";
import type { LedgerPlace } from "./ledger-place.js";

/** A trial's ledger, as the trial itself sees it. */
export interface LedgerUnderTest extends AsyncDisposable {
  readonly place: LedgerPlace;
  /** Makes the ledger unreachable for a while. @param how from 0 up to 1. @returns the name of what was done. */
  disturb(how: number): Promise<string>;
  /** The tags in the host's own table. */
  hostChanges(): Promise<ReadonlySet<string>>;
}

const LONGEST_LOCK_MS = 1_500;

export function sqliteLedger(folder: string): LedgerUnderTest {
  const path = join(folder, "ledger.db");
  return {
    place: { kind: "sqlite", path },
    disturb: async (how) => {
      const database = new Database(path, { timeout: 5_000 });
      try {
        database.exec("begin immediate");
        await pause(how * LONGEST_LOCK_MS);
        database.exec("rollback");
        return "ledger locked by another program";
      } finally {
        database.close();
      }
    },
    hostChanges: () => {
      const database = new Database(path, { timeout: 5_000 });
      try {
        const made = database.prepare("select 1 from sqlite_master where name = ?").get(HOST_TABLE) !== undefined;
        const tags = made ? database.prepare<[], string>(`select tag from ${HOST_TABLE}`).pluck().all() : [];
        return Promise.resolve(new Set(tags));
      } finally {
        database.close();
      }
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** A ledger in a new database of a server. */
export async function postgresLedger(server: PostgresServer): Promise<LedgerUnderTest> {
  const url = await server.createDatabase();
  const query = async (text: string): Promise<readonly Record<string, unknown>[]> => {
    const client = new pg.Client({ connectionString: url });
    client.on("error", () => undefined);
    await client.connect();
    return (await client.query<Record<string, unknown>>(text).finally(() => client.end())).rows;
  };
  await query(MAKE_HOST_TABLE);
  return {
    place: { kind: "postgres", url },
    disturb: async (how) => {
      if (how < 0.3) {
        await server.restart("stop");
        return "ledger restarted in order";
      }
      if (how < 0.6) {
        await server.restart("kill");
        return "ledger crashed and restarted";
      }
      // All connections, or about half of them.
      const some = how < 0.8 ? "" : "and pid % 2 = 0";
      await query(`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() ${some}`);
      return some === "" ? "all connections cut" : "some connections cut";
    },
    hostChanges: async () => new Set((await query(`select tag from ${HOST_TABLE}`)).map(({ tag }) => String(tag))),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** The same in MariaDB. */
export async function mysqlLedger(server: MariadbServer): Promise<LedgerUnderTest> {
  const url = await server.createDatabase();
  const query = async (text: string): Promise<readonly RowDataPacket[]> => {
    const connection = await mysql.createConnection(url);
    connection.on("error", () => undefined);
    return (await connection.query<RowDataPacket[]>(text).finally(() => connection.end()))[0];
  };
  await query(MAKE_HOST_TABLE);
  return {
    place: { kind: "mysql", url },
    disturb: async (how) => {
      if (how < 0.3) {
        await server.restart("stop");
        return "ledger restarted in order";
      }
      if (how < 0.6) {
        await server.restart("kill");
        return "ledger crashed and restarted";
      }
      const all = how >= 0.8;
      const others = await query("select id from information_schema.processlist where db = database()");
      // All connections, or about half of them. One that has gone meanwhile is cut already.
      for (const { id } of others)
        if (all || Number(id) % 2 === 0) await query(`kill ${Number(id)}`).catch(() => undefined);
      return all ? "all connections cut" : "some connections cut";
    },
    hostChanges: async () => new Set((await query(`select tag from ${HOST_TABLE}`)).map(({ tag }) => String(tag))),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
