import type { RawBuilder } from "kysely";
import type { BackfillRow, FullRow, OccurrenceRow, ScheduleRow } from "../../sql/ledger-schema.js";
import type { Columns, Now } from "../../sql/ledger/ledger-rows.js";
import type { EndedRow, Part } from "../../sql/ledger/schedule-operations.js";
import type {
  BackfillBody,
  OccurrenceBody,
  OccurrenceRange,
  OccurrenceUpdate,
  ScheduleBody,
} from "../../sql/schedule-rows.js";
import { OPEN } from "../../sql/schedule-tables.js";
import type { StatementParts } from "./statement-parts.js";
import type { Value } from "./statement.js";

export const SCHEDULE = { id: "text", version: "bigint", state: "text", due_at: "bigint", body: "text" } as const;
export const OCCURRENCE = {
  occurrence_key: "text",
  schedule_id: "text",
  nominal_at: "bigint",
  state: "text",
  run_id: "text",
  ended_at: "bigint",
  body: "text",
} as const;
export const BACKFILL = {
  id: "text",
  schedule_id: "text",
  version: "bigint",
  created_at: "bigint",
  ended_at: "bigint",
  body: "text",
} as const;

/** What reads and writes schedules, their occurrences and backfills. */
export function scheduleStatements({
  sql,
  define,
  columns,
  schedules,
  occurrences,
  backfills,
  runs,
  clock,
  row,
  full,
  withDefinition,
}: StatementParts) {
  /** Rows, given column by column, as `g`. */
  const given = <Row extends object>(
    value: Value<Columns<Row, keyof Row>>,
    types: Readonly<Record<keyof Row & string, string>>,
  ): RawBuilder<unknown> => {
    const names = Object.keys(types) as (keyof Row & string)[];
    const arrays = names.map((name) => value(name, `${types[name]}[]`));
    return sql`unnest(${sql.join(arrays)}) with ordinality as g(${columns(names)}, ord)`;
  };
  const set = (types: object): RawBuilder<unknown> =>
    sql.join(Object.keys(types).map((name) => sql`${sql.ref(name)} = ${sql.ref(`g.${name}`)}`));
  const stored = (table: RawBuilder<unknown>, types: object): RawBuilder<unknown> =>
    sql`${table} (${columns(Object.keys(types))}) select ${columns(Object.keys(types), "g")} from`;
  const part = (value: Value<Part>): RawBuilder<unknown> =>
    sql`limit ${value("limit", "bigint")} offset ${value("skip", "bigint")}`;
  const planned = sql`select id, body from ${schedules} where state = 'active' and due_at is not null`;
  const occurrence = sql`select occurrence_key, body from ${occurrences}`;
  const open = sql.raw(OPEN);

  return {
    now: define<object, Now>(() => sql`select ${clock} as now`),

    insertSchedule: define<Columns<ScheduleRow, keyof ScheduleRow>, object>(
      (value) => sql`insert into ${stored(schedules, SCHEDULE)} ${given(value, SCHEDULE)}
        on conflict (id) do nothing returning 1`,
    ),
    deleteSchedule: define<{ readonly id: string }, object>(
      (value) => sql`delete from ${schedules} where id = ${value("id", "text")} returning 1`,
    ),
    schedulesById: define<{ readonly ids: readonly string[] }, ScheduleBody>(
      (value) => sql`select id, body from ${schedules} where id = any (${value("ids", "text[]")})`,
    ),
    schedulesFrom: define<Part & { readonly from: string }, ScheduleBody>(
      (value) => sql`select id, body from ${schedules} where id >= ${value("from", "text")} order by id ${part(value)}`,
    ),
    dueSchedules: define<Part, ScheduleBody>(
      (value) => sql`${planned} and due_at <= (select ${clock}) order by due_at, id ${part(value)}`,
    ),
    plannedSchedules: define<Part, ScheduleBody>((value) => sql`${planned} order by due_at, id ${part(value)}`),
    updateSchedules: define<Columns<ScheduleRow, keyof ScheduleRow>, Pick<ScheduleRow, "id">>(
      (value) => sql`update ${schedules} s set ${set(SCHEDULE)} from ${given(value, SCHEDULE)}
        where s.id = g.id and s.version = g.version - 1 returning s.id`,
    ),

    insertOccurrences: define<Columns<OccurrenceRow, keyof OccurrenceRow>, object>(
      (value) => sql`insert into ${stored(occurrences, OCCURRENCE)} ${given(value, OCCURRENCE)} order by g.ord
        on conflict (occurrence_key) do nothing returning 1`,
    ),
    updateOccurrences: define<Columns<OccurrenceUpdate, keyof OccurrenceUpdate>, Pick<OccurrenceRow, "occurrence_key">>(
      (value) => sql`update ${occurrences} o set ${set(OCCURRENCE)} from ${given(value, { ...OCCURRENCE, was: "text" })}
        where o.occurrence_key = g.occurrence_key and o.state = g.was returning o.occurrence_key`,
    ),
    occurrencesByKey: define<{ readonly keys: readonly string[] }, OccurrenceBody>(
      (value) => sql`${occurrence} where occurrence_key = any (${value("keys", "text[]")})`,
    ),
    occurrencesOf: define<Part & OccurrenceRange & { readonly states: readonly string[] | null }, OccurrenceBody>(
      (value) => {
        const [before, states] = [value("before", "bigint"), value("states", "text[]")];
        return sql`${occurrence} where schedule_id = ${value("scheduleId", "text")}
          and nominal_at between ${value("since", "bigint")} and ${before}
          and (nominal_at < ${before} or occurrence_key > ${value("behind", "text")})
          and (${states} is null or state = any (${states}))
          order by nominal_at desc, occurrence_key ${part(value)}`;
      },
    ),
    openOccurrences: define<{ readonly ids: readonly string[] }, OccurrenceBody>(
      (value) => sql`${occurrence} where schedule_id = any (${value("ids", "text[]")}) and (${open})
        order by nominal_at, occurrence_key`,
    ),
    occurrencesToStart: define<Part, OccurrenceBody>(
      (value) => sql`${occurrence} where state = 'scheduled' order by nominal_at, occurrence_key ${part(value)}`,
    ),
    // A seek for each, also where the server takes the table of runs for empty: a subquery with a limit is not made a join.
    endedOccurrences: define<Part, EndedRow>(
      (value) => sql`select o.occurrence_key, o.body, ${full} from ${occurrences} o
        left join lateral (select ${row} from ${runs} where id = o.run_id limit 1) r on true ${withDefinition}
        where o.state = 'started' and (r.seq is null or r.finished_at is not null)
        order by o.nominal_at, o.occurrence_key ${part(value)}`,
    ),
    runsById: define<{ readonly ids: readonly string[] }, FullRow>(
      (value) => sql`select ${full} from unnest(${value("ids", "text[]")}) as i(id)
        cross join lateral (select ${row} from ${runs} where id = i.id limit 1) r
        ${withDefinition}`,
    ),
    pruneOccurrences: define<{ readonly olderThanMs: number; readonly limit: number }, object>(
      (value) => sql`delete from ${occurrences} where occurrence_key = any (array(
          select occurrence_key from ${occurrences}
          where ended_at is not null and ended_at < (select ${clock} - ${value("olderThanMs", "bigint")})
          order by ended_at, occurrence_key limit ${value("limit", "bigint")} for update skip locked)) returning 1`,
    ),

    insertBackfill: define<Columns<BackfillRow, keyof BackfillRow>, object>(
      (value) => sql`insert into ${stored(backfills, BACKFILL)} ${given(value, BACKFILL)}
        on conflict (id) do nothing returning 1`,
    ),
    pruneBackfills: define<{ readonly olderThanMs: number; readonly limit: number }, object>(
      (value) => sql`delete from ${backfills} where id = any (array(
          select id from ${backfills}
          where ended_at is not null and ended_at < (select ${clock} - ${value("olderThanMs", "bigint")})
          order by ended_at, id limit ${value("limit", "bigint")} for update skip locked)) returning 1`,
    ),
    updateBackfills: define<Columns<BackfillRow, keyof BackfillRow>, Pick<BackfillRow, "id">>(
      (value) => sql`update ${backfills} b set ${set(BACKFILL)} from ${given(value, BACKFILL)}
        where b.id = g.id and b.version = g.version - 1 returning b.id`,
    ),
    backfillById: define<{ readonly id: string }, BackfillBody>(
      (value) => sql`select id, body from ${backfills} where id = ${value("id", "text")}`,
    ),
    openBackfills: define<Part & { readonly scheduleId: string | null }, BackfillBody>((value) => {
      const schedule = value("scheduleId", "text");
      return sql`select id, body from ${backfills}
        where ended_at is null and (${schedule} is null or schedule_id = ${schedule})
        order by created_at desc, id desc ${part(value)}`;
    }),
    /** Also, or only, ended ones. */
    backfills: define<Part & { readonly scheduleId: string | null; readonly ended: boolean }, BackfillBody>((value) => {
      const schedule = value("scheduleId", "text");
      return sql`select id, body from ${backfills}
        where (${schedule} is null or schedule_id = ${schedule})
          and (ended_at is not null or not ${value("ended", "boolean")})
        order by created_at desc, id desc ${part(value)}`;
    }),
  };
}
