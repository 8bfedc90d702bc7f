import { join } from "node:path";
import { defineJob, type Connection, type JobStore } from "millrace";
import { rows } from "millrace/duckdb";
import { PostgresJobStore } from "millrace/postgres";
import { sqlite, SqliteJobStore } from "millrace/sqlite";

/** Where everything of this example lies. */
export const FOLDER = join(".tmp", "many-workers");

/** Sums up one day's orders of one shop. Each shop's days take turns, in all processes together. */
export const sumUp = defineJob({
  name: "sum_up",
  query: `
    select {shop} as shop, {day} as day, count(*) as orders, sum(i % 97)::bigint as total
    from orders, range({orders_a_day}) t(i)
    where orders.shop = {shop}`,
  params: { shop: "VARCHAR", day: "DATE", orders_a_day: "BIGINT" },
  destination: { table: "out.days", createIfMissing: true },
  execution: { concurrencyKey: "shop {shop}" },
});

/** What every process is given alike. A worker that lacked a connection would leave its runs to the others. */
export function connections(): Readonly<Record<string, Connection>> {
  return {
    orders: rows([{ shop: "Bath" }, { shop: "Leeds" }, { shop: "York" }, { shop: "Hull" }]),
    out: sqlite(join(FOLDER, "out.db"), { access: "read_write" }),
  };
}

/** One ledger for all: a file for the processes of one machine, Postgres for those of many. */
export function ledger(): JobStore {
  const url = process.env["LEDGER_URL"];
  if (url === undefined) return new SqliteJobStore({ path: join(FOLDER, "ledger.db") });
  return new PostgresJobStore({ url, tablePrefix: "many_workers_" });
}
