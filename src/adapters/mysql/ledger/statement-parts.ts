import type * as Kysely from "kysely";
import type { RawBuilder } from "kysely";
import { RUN_COLUMNS } from "../../sql/ledger/ledger-rows.js";
import type { LedgerPlace } from "./ledger-place.js";
import { statementMaker } from "./statement.js";

/** What statements are made of. */
export type StatementParts = ReturnType<typeof statementParts>;

/** @param offsetMs what is added to the database's time. */
export function statementParts(kysely: typeof Kysely, { database, tables }: LedgerPlace, offsetMs: number) {
  const { sql } = kysely;
  const define = statementMaker(kysely);
  const columns = (names: readonly string[], of?: string): RawBuilder<unknown> =>
    sql.join(names.map((name) => sql.ref(of === undefined ? name : `${of}.${name}`)));
  const table = (name: keyof typeof tables): RawBuilder<unknown> => sql`${sql.id(database, tables[name])}`;
  const millis = (time: RawBuilder<unknown>): RawBuilder<unknown> =>
    sql`(timestampdiff(microsecond, '1970-01-01', ${time}) div 1000 + ${sql.lit(offsetMs)})`;
  const definitions = table("definitions");
  const of = (column: string, locking = sql``): RawBuilder<unknown> =>
    sql`(select ${sql.ref(column)} from ${definitions} where run_seq = r.seq ${locking}) as ${sql.ref(column)}`;
  const now = sql`lock in share mode`;
  const runs = table("runs");
  // Of a small table a server may read all rows instead: and wait for those that others have locked.
  const by = (index: string): RawBuilder<unknown> => sql`${runs} r force index (${sql.id(index)})`;
  return {
    sql,
    define,
    columns,
    runs,
    /** Runs `r`, found by a unique index. */
    bySeq: by("primary"),
    byId: by("id"),
    byKey: by("short_key"),
    definitions,
    events: table("events"),
    schedules: table("schedules"),
    occurrences: table("occurrences"),
    backfills: table("backfills"),
    gates: table("gates"),
    announcements: table("announcements"),
    /** When the statement began: one time for all of it. */
    began: millis(sql`utc_timestamp(6)`),
    /** When this row was reached, and locked. Ledgers' sessions are in UTC. */
    reached: millis(sql`sysdate(6)`),
    /** A run's row `r` with its definition, which a subquery does not lock. */
    full: sql`${columns(RUN_COLUMNS, "r")}, ${of("definition")}, ${of("parameters")}`,
    /** The same as it is committed now, whatever the transaction saw before. Waits. */
    fullNow: sql`${columns(RUN_COLUMNS, "r")}, ${of("definition", now)}, ${of("parameters", now)}`,
  };
}
