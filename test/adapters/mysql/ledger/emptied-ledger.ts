import { MySqlJobStore } from "../../../../src/adapters/mysql/mysql-job-store.js";
import { startMariadb } from "../../../support/mariadb-server.js";
import { DatabaseClock } from "./database-clock.js";

const TABLES = ["runs", "run_definitions", "run_events", "announcements"];

let database: Promise<string> | undefined;

/**
 * A store on a ledger with nothing in it: one ledger for all tests of a process, one after the other, since making its
 * tables takes longer than most of them. The server ends with the process.
 */
export async function emptiedLedger(): Promise<{ readonly store: MySqlJobStore; readonly clock: DatabaseClock }> {
  const isFirst = database === undefined;
  database ??= startMariadb({ fsync: false }).then((server) => server.createDatabase());
  const clock = new DatabaseClock(await database);
  if (!isFirst) await clock.query(TABLES.map((table) => `delete from millrace_${table}`));
  return { store: new MySqlJobStore({ pool: clock.pool() }), clock };
}
