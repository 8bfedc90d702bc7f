import type { BackfillRow, OccurrenceRow, ScheduleRow } from "../../sql/ledger-schema.js";
import type {
  BackfillBody,
  OccurrenceBody,
  OccurrenceRange,
  OccurrenceUpdate,
  ScheduleBody,
} from "../../sql/schedule-rows.js";
import { OPEN } from "../../sql/schedule-tables.js";
import type { StatementMaker } from "./statements.js";

export interface Id {
  readonly id: string;
}

/** JSON text of a list. */
export interface Ids {
  readonly ids: string;
}

/** What SQLite binds by name, in any order of its keys. */
export type Bound<Row> = { readonly [C in keyof Row]: Row[C] };

/** The statements that read and write schedules, their occurrences and backfills. */
export function scheduleStatements(maker: StatementMaker) {
  return {
    insertSchedule: maker.insert<ScheduleRow>(
      "schedules",
      ["id", "version", "state", "due_at", "body"],
      'on conflict ("id") do nothing',
    ),
    updateSchedule: maker.prepare<Bound<ScheduleRow>, never>(
      `update "schedules" set version = @version, state = @state, due_at = @due_at, body = @body
        where id = @id and version = @version - 1`,
    ),
    deleteSchedule: maker.prepare<Id, never>(`delete from "schedules" where id = @id`),
    schedulesById: maker.prepare<Ids, ScheduleBody>(
      `select id, body from "schedules" where id in (select value from json_each(@ids))`,
    ),
    schedulesFrom: maker.prepare<Id, ScheduleBody>(`select id, body from "schedules" where id >= @id order by id`),
    /** Active ones, in the order of their times, up to one. */
    plannedSchedules: maker.prepare<{ readonly until: number; readonly skip: number }, ScheduleBody>(
      `select id, body from "schedules" where state = 'active' and due_at is not null and due_at <= @until
        order by due_at, id limit -1 offset @skip`,
    ),

    insertOccurrence: maker.insert<OccurrenceRow>(
      "occurrences",
      ["occurrence_key", "schedule_id", "nominal_at", "state", "run_id", "ended_at", "body"],
      'on conflict ("occurrence_key") do nothing',
    ),
    updateOccurrence: maker.prepare<Bound<OccurrenceUpdate>, never>(
      `update "occurrences" set schedule_id = @schedule_id, nominal_at = @nominal_at, state = @state, run_id = @run_id,
          ended_at = @ended_at, body = @body
        where occurrence_key = @occurrence_key and state = @was`,
    ),
    occurrenceByKey: maker.prepare<{ readonly key: string }, OccurrenceBody>(
      `select occurrence_key, body from "occurrences" where occurrence_key = @key`,
    ),
    /** The states are JSON text of a list; null: all. */
    occurrencesOf: maker.prepare<OccurrenceRange & { readonly states: string | null }, OccurrenceBody>(
      `select occurrence_key, body from "occurrences"
        where schedule_id = @scheduleId and nominal_at between @since and @before
          and (nominal_at < @before or occurrence_key > @behind)
          and (@states is null or state in (select value from json_each(@states)))
        order by nominal_at desc, occurrence_key`,
    ),
    openOccurrences: maker.prepare<Ids, OccurrenceBody>(
      `select occurrence_key, body from "occurrences"
        where schedule_id in (select value from json_each(@ids)) and (${OPEN})
        order by nominal_at, occurrence_key`,
    ),
    occurrencesToStart: maker.bare<OccurrenceBody>(
      `select occurrence_key, body from "occurrences" where state = 'scheduled' order by nominal_at, occurrence_key`,
    ),
    /** Those whose run has ended, with its number; null: it was deleted. */
    endedOccurrences: maker.bare<OccurrenceBody & { readonly run: number | null }>(
      `select o.occurrence_key, o.body, r.seq as run
        from "occurrences" o left join "runs" r on r.id = o.run_id
        where o.state = 'started' and (r.seq is null or r.finished_at is not null)
        order by o.nominal_at, o.occurrence_key`,
    ),
    pruneOccurrences: maker.prepare<{ readonly before: number; readonly limit: number }, never>(
      `delete from "occurrences" where occurrence_key in (
          select occurrence_key from "occurrences" where ended_at is not null and ended_at < @before
          order by ended_at, occurrence_key limit cast(@limit as integer))`,
    ),

    insertBackfill: maker.insert<BackfillRow>(
      "backfills",
      ["id", "schedule_id", "version", "created_at", "ended_at", "body"],
      'on conflict ("id") do nothing',
    ),
    pruneBackfills: maker.prepare<{ readonly before: number; readonly limit: number }, never>(
      `delete from "backfills" where id in (
          select id from "backfills" where ended_at is not null and ended_at < @before
          order by ended_at, id limit cast(@limit as integer))`,
    ),
    updateBackfill: maker.prepare<Bound<BackfillRow>, never>(
      `update "backfills" set schedule_id = @schedule_id, version = @version, created_at = @created_at,
          ended_at = @ended_at, body = @body
        where id = @id and version = @version - 1`,
    ),
    backfillById: maker.prepare<Id, BackfillBody>(`select id, body from "backfills" where id = @id`),
    openBackfills: maker.prepare<{ readonly scheduleId: string | null }, BackfillBody>(
      `select id, body from "backfills" where ended_at is null and schedule_id = coalesce(@scheduleId, schedule_id)
        order by created_at desc, id desc`,
    ),
    /** Also the ended ones; with 1 no others. */
    allBackfills: maker.prepare<{ readonly ended: 0 | 1 }, BackfillBody>(
      `select id, body from "backfills" where ended_at is not null or @ended = 0 order by created_at desc, id desc`,
    ),
    backfillsOf: maker.prepare<{ readonly scheduleId: string; readonly ended: 0 | 1 }, BackfillBody>(
      `select id, body from "backfills" where schedule_id = @scheduleId and (ended_at is not null or @ended = 0)
        order by created_at desc, id desc`,
    ),
  };
}
