import type { RawBuilder } from "kysely";
import type { Now } from "../../sql/ledger/ledger-rows.js";
import type { EndedRow, Part } from "../../sql/ledger/schedule-operations.js";
import type { BackfillRow, FullRow, OccurrenceRow, ScheduleRow } from "../../sql/ledger-schema.js";
import type { BackfillBody, OccurrenceBody, OccurrenceRange, ScheduleBody } from "../../sql/schedule-rows.js";
import type { StatementParts } from "./statement-parts.js";
import { TEXT, type Values } from "./statement.js";
import type { Rows } from "./writing-statements.js";

export const SCHEDULE = { id: TEXT, version: "bigint", state: TEXT, due_at: "bigint", body: TEXT } as const;
export const OCCURRENCE = {
  occurrence_key: TEXT,
  schedule_id: TEXT,
  nominal_at: "bigint",
  state: TEXT,
  run_id: TEXT,
  ended_at: "bigint",
  body: TEXT,
} as const;
export const BACKFILL = {
  id: TEXT,
  schedule_id: TEXT,
  version: "bigint",
  created_at: "bigint",
  ended_at: "bigint",
  body: TEXT,
} as const;

export interface Keys {
  readonly keys: readonly string[];
}

/** What reads and writes schedules, their occurrences and backfills. */
export function scheduleStatements({
  sql,
  define,
  columns,
  schedules,
  occurrences,
  backfills,
  runs,
  byId,
  began,
  full,
}: StatementParts) {
  const tables = {
    schedules: { name: schedules, types: SCHEDULE, key: "id" },
    occurrences: { name: occurrences, types: OCCURRENCE, key: "occurrence_key" },
    backfills: { name: backfills, types: BACKFILL, key: "id" },
  } as const;
  const found = (table: keyof typeof tables, given: RawBuilder<unknown>, key: string): RawBuilder<unknown> => {
    const t = tables[table];
    return sql`${given} straight_join ${t.name} t force index (primary) on ${sql.ref(`t.${t.key}`)} = ${sql.ref(key)}`;
  };
  const insert = (table: keyof typeof tables) =>
    define<Rows>(({ rows }) => {
      const names = columns(Object.keys(tables[table].types));
      return sql`insert into ${tables[table].name} (${names}) select ${names} from ${rows("rows", tables[table].types, "g")}`;
    });
  const write = (table: keyof typeof tables) =>
    define<Rows>(({ rows }) => {
      const { types, key } = tables[table];
      const set = Object.keys(types).filter((name) => name !== key);
      return sql`update ${found(table, rows("rows", types, "g"), `g.${key}`)}
        set ${sql.join(set.map((name) => sql`${sql.ref(`t.${name}`)} = ${sql.ref(`g.${name}`)}`))}`;
    });
  /** Locks the rows that are of the version before the one given. */
  const lockVersions = (table: "schedules" | "backfills") =>
    define<Rows, Pick<ScheduleRow, "id">>(
      ({ rows }) => sql`select straight_join t.id
        from ${found(table, rows("rows", { id: TEXT, version: "bigint" }, "g"), "g.id")}
        where t.version = g.version - 1 for update`,
    );
  const part = ({ one }: Values<Part>): RawBuilder<unknown> => sql`limit ${one("limit")} offset ${one("skip")}`;
  const planned = sql`select id, body from ${schedules} force index (due) where state = 'active' and due_at`;
  const underWay = sql`${occurrences} o force index (under_way)`;

  return {
    now: define<object, Now>(() => sql`select ${began} as now`),

    insertSchedules: insert("schedules"),
    lockSchedules: lockVersions("schedules"),
    writeSchedules: write("schedules"),
    deleteSchedule: define<{ readonly id: string }>(({ one }) => sql`delete from ${schedules} where id = ${one("id")}`),
    schedulesById: define<Keys, ScheduleBody>(
      ({ list }) =>
        sql`select straight_join t.id, t.body from ${found("schedules", list("keys", TEXT, "i"), "i.value")}`,
    ),
    schedulesFrom: define<Part & { readonly from: string }, ScheduleBody>(
      (values) => sql`select id, body from ${schedules} where id >= ${values.one("from")} order by id ${part(values)}`,
    ),
    dueSchedules: define<Part, ScheduleBody>(
      (values) => sql`${planned} <= ${began} order by due_at, id ${part(values)}`,
    ),
    plannedSchedules: define<Part, ScheduleBody>(
      (values) => sql`${planned} is not null order by due_at, id ${part(values)}`,
    ),

    insertOccurrences: insert("occurrences"),
    /** Locks the rows that are in the state given. */
    lockOccurrences: define<Rows, Pick<OccurrenceRow, "occurrence_key">>(
      ({ rows }) => sql`select straight_join t.occurrence_key
        from ${found("occurrences", rows("rows", { occurrence_key: TEXT, was: TEXT }, "g"), "g.occurrence_key")}
        where t.state = g.was for update`,
    ),
    writeOccurrences: write("occurrences"),
    occurrencesByKey: define<Keys, OccurrenceBody>(
      ({ list }) => sql`select straight_join t.occurrence_key, t.body
        from ${found("occurrences", list("keys", TEXT, "i"), "i.value")}`,
    ),
    occurrencesOf: define<Part & OccurrenceRange & { readonly states: readonly string[] | null }, OccurrenceBody>(
      (values) => {
        const { one, list } = values;
        return sql`select occurrence_key, body from ${occurrences} force index (listed)
          where schedule_id = ${one("scheduleId")} and nominal_at between ${one("since")} and ${one("before")}
            and (nominal_at < ${one("before")} or occurrence_key > ${one("behind")})
            and (${one("states")} is null or state in (select value from ${list("states", TEXT, "s")}))
          order by nominal_at desc, occurrence_key ${part(values)}`;
      },
    ),
    openOccurrences: define<Keys, OccurrenceBody>(
      ({ list }) => sql`select straight_join o.occurrence_key, o.body
        from ${list("keys", TEXT, "i")} straight_join ${occurrences} o force index (open) on o.schedule_id = i.value
        where o.state in ('scheduled', 'buffered', 'started') order by o.nominal_at, o.occurrence_key`,
    ),
    occurrencesToStart: define<Part, OccurrenceBody>(
      (values) => sql`select o.occurrence_key, o.body from ${underWay} where o.state = 'scheduled'
        order by o.nominal_at, o.occurrence_key ${part(values)}`,
    ),
    endedOccurrences: define<Part, EndedRow>(
      (values) => sql`select o.occurrence_key, o.body, ${full} from ${underWay} left join ${runs} r on r.id = o.run_id
        where o.state = 'started' and (r.seq is null or r.finished_at is not null)
        order by o.nominal_at, o.occurrence_key ${part(values)}`,
    ),
    runsById: define<Keys, FullRow>(
      ({ list }) => sql`select straight_join ${full} from ${list("keys", TEXT, "i")}
        straight_join ${byId} on r.id = i.value`,
    ),
    /** What others have locked they delete. */
    oldOccurrences: define<
      { readonly olderThanMs: number; readonly limit: number },
      Pick<OccurrenceRow, "occurrence_key">
    >(
      ({ one }) => sql`select occurrence_key from ${occurrences} force index (ended)
        where ended_at < ${began} - ${one("olderThanMs")}
        order by ended_at, occurrence_key limit ${one("limit")} for update skip locked`,
    ),
    deleteOccurrences: define<Keys>(
      ({ list }) => sql`delete t from ${found("occurrences", list("keys", TEXT, "i"), "i.value")}`,
    ),

    insertBackfills: insert("backfills"),
    lockBackfills: lockVersions("backfills"),
    writeBackfills: write("backfills"),
    oldBackfills: define<{ readonly olderThanMs: number; readonly limit: number }, Pick<BackfillRow, "id">>(
      ({ one }) => sql`select id from ${backfills} force index (open)
        where ended_at < ${began} - ${one("olderThanMs")}
        order by ended_at, id limit ${one("limit")} for update skip locked`,
    ),
    deleteBackfills: define<Keys>(
      ({ list }) => sql`delete t from ${found("backfills", list("keys", TEXT, "i"), "i.value")}`,
    ),
    backfillById: define<{ readonly id: string }, BackfillBody>(
      ({ one }) => sql`select id, body from ${backfills} where id = ${one("id")}`,
    ),
    openBackfills: define<Part & { readonly scheduleId: string | null }, BackfillBody>(
      (values) => sql`select id, body from ${backfills} force index (open)
        where ended_at is null and schedule_id = coalesce(${values.one("scheduleId")}, schedule_id)
        order by created_at desc, id desc ${part(values)}`,
    ),
    /** Also the ended ones; with 1 no others. */
    backfills: define<Part & { readonly scheduleId: string | null; readonly ended: 0 | 1 }, BackfillBody>(
      (values) => sql`select id, body from ${backfills}
        where schedule_id = coalesce(${values.one("scheduleId")}, schedule_id)
          and (ended_at is not null or ${values.one("ended")} = 0)
        order by created_at desc, id desc ${part(values)}`,
    ),
  };
}
