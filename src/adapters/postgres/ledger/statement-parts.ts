import type * as Kysely from "kysely";
import type { RawBuilder } from "kysely";
import type { LedgerPlace } from "./ledger-place.js";
import { RUN_COLUMNS } from "../../sql/ledger/ledger-rows.js";
import { statement, type Value } from "./statement.js";

/** What statements are made of. */
export type StatementParts = ReturnType<typeof statementParts>;

/** @param offsetMs what is added to the database's time. */
export function statementParts({ sql, ...kysely }: typeof Kysely, { schema, tables }: LedgerPlace, offsetMs: number) {
  const db = new kysely.Kysely({
    dialect: {
      createAdapter: () => new kysely.PostgresAdapter(),
      createDriver: () => new kysely.DummyDriver(),
      createIntrospector: (one) => new kysely.PostgresIntrospector(one),
      createQueryCompiler: () => new kysely.PostgresQueryCompiler(),
    },
  });
  const define = <Given extends object, Row>(build: (value: Value<Given>) => RawBuilder<unknown>) =>
    statement<Given, Row>(
      (text) => sql.raw(text),
      (query) => query.compile(db),
      build,
    );
  const columns = (names: readonly string[], of?: string): RawBuilder<unknown> =>
    sql.join(names.map((name) => sql.ref(of === undefined ? name : `${of}.${name}`)));

  const runs = sql.id(schema, tables.runs);
  const definitions = sql.id(schema, tables.definitions);
  const events = sql.id(schema, tables.events);
  const schedules = sql.id(schema, tables.schedules);
  const occurrences = sql.id(schema, tables.occurrences);
  const backfills = sql.id(schema, tables.backfills);
  const clock = sql`(floor(extract(epoch from clock_timestamp()) * 1000)::bigint + ${sql.lit(offsetMs)}::bigint)`;
  const row = columns(RUN_COLUMNS);
  const full = sql`${columns(RUN_COLUMNS, "r")}, d.definition, d.parameters`;
  const withDefinition = sql`left join lateral (
    select definition, parameters from ${definitions} where run_seq = r.seq) d on true`;

  const overdue = sql`queue is not null and started_at is null and start_deadline is not null`;

  const places = { runs, definitions, events, schedules, occurrences, backfills };
  return { sql, define, columns, ...places, clock, row, full, withDefinition, overdue };
}
