import type { RawBuilder } from "kysely";
import type { RunRow } from "../../sql/ledger-schema.js";
import type { StatementParts } from "./statement-parts.js";
import {
  CHANGING,
  RELATIVE,
  SUBMITTED,
  type Changing,
  type Now,
  type Steps,
  type Submissions,
  type Written,
} from "../../sql/ledger/ledger-rows.js";
import type { Value } from "./statement.js";

/** What adds and changes runs. */
export function writingStatements({ sql, define, columns, runs, definitions, events, clock }: StatementParts) {
  /** Runs, their definitions and first events, in the order given; those whose key is known are left out. */
  const insertRuns = define<Submissions, Now & Pick<RunRow, "id">>((value) => {
    const given = Object.entries({ ...SUBMITTED, definition: "text", parameters: "text", body: "text" });
    const names = given.map(([name]) => name);
    const arrays = given.map(([name, type]) => value(name as keyof Submissions, `${type}[]`));
    const own = columns(Object.keys(SUBMITTED));
    return sql`with given as materialized (
        select * from unnest(${sql.join(arrays)}) with ordinality as g(${columns(names)}, ord)),
      moment as materialized (select ${clock} as now),
      made as (
        insert into ${runs} (${own}, status, listed_as, attempt, recoveries, queue, created_at, epoch, last_event_seq)
        select ${own}, 'pending', 'pending', 0, 0,
          case when run_at > (select now from moment) then 'waiting' else 'ready' end, (select now from moment), 0, 1
        from given order by ord
        on conflict (idempotency_key) where idempotency_key is not null do nothing
        returning seq, id, created_at),
      defined as (
        insert into ${definitions} (run_seq, definition, parameters)
        select made.seq, definition, parameters from made join given using (id)),
      logged as (
        insert into ${events} (run_seq, seq, at, attempt, body)
        select made.seq, 1, created_at, 0, body from made join given using (id))
      select id, created_at as now from made`;
  });

  const changes = (value: Value<Steps>): RawBuilder<unknown> =>
    sql.join(Object.entries(CHANGING).map(([name, type]) => value(name as Changing, `${type}[]`)));
  const eventColumns = (value: Value<Steps>): RawBuilder<unknown> =>
    sql`${value("event_runs", "bigint[]")}, ${value("event_seq", "bigint[]")}, ${value("event_at", "bigint[]")},
      ${value("event_attempt", "bigint[]")}, ${value("event_body", "text[]")}`;
  const changing = Object.keys(CHANGING);
  const version = sql`r.xmin::text as version`;

  /** Steps: the rows as they are from now on, which this transaction has locked, and what their logs grow by. */
  const writeSteps = define<Steps, Written>(
    (value) => sql`with changed as (
        update ${runs} r set ${sql.join(changing.map((name) => sql`${sql.ref(name)} = u.${sql.ref(name)}`))}
        from unnest(${value("seqs", "bigint[]")}, ${changes(value)}) as u(run_seq, ${columns(changing)})
        where r.seq = u.run_seq returning r.seq, ${version}),
      logged as (
        insert into ${events} (run_seq, seq, at, attempt, body) select * from unnest(${eventColumns(value)}))
      select seq, version from changed`,
  );

  /** Steps as of `RELATIVE`, which becomes the time of writing; only of runs whose version is still this one. */
  const writeKnown = define<Steps & { readonly versions: readonly string[] }, Written & Now>((value) => {
    const base = sql.lit(RELATIVE);
    const moment = sql`(select now from moment)`;
    const timed = (name: string): RawBuilder<unknown> =>
      sql`case when u.${sql.ref(name)} >= ${base} then u.${sql.ref(name)} - ${base} + ${moment} else u.${sql.ref(name)} end`;
    const set = changing.map((name) => {
      return sql`${sql.ref(name)} = ${RELATIVE_TIMES.includes(name) ? timed(name) : sql`u.${sql.ref(name)}`}`;
    });
    return sql`with moment as materialized (select ${clock} as now),
      changed as (
        update ${runs} r set ${sql.join(set)}
        from unnest(${value("seqs", "bigint[]")}, ${value("versions", "text[]")}, ${changes(value)})
          as u(run_seq, version, ${columns(changing)})
        where r.seq = u.run_seq and r.xmin = u.version::xid returning r.seq, ${version}),
      logged as (
        insert into ${events} (run_seq, seq, at, attempt, body)
        select e.run_seq, e.seq, e.at - ${base} + ${moment}, e.attempt, e.body
        from unnest(${eventColumns(value)}) as e(run_seq, seq, at, attempt, body)
        where e.run_seq = any (array(select seq from changed)))
      select seq, version, ${moment} as now from changed`;
  });

  return { insertRuns, writeSteps, writeKnown };
}

const RELATIVE_TIMES: readonly string[] = ["run_at", "finished_at", "lease_expires_at"];
