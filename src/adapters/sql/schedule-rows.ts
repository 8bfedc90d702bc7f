import type { Backfill } from "../../model/backfill.js";
import { JobError } from "../../model/job-error.js";
import { OCCURRENCE_STATES, type Occurrence, type OccurrenceState } from "../../model/occurrence.js";
import { SCHEDULE_STATES, type LastOutcome, type Schedule } from "../../model/schedule.js";
import type { OccurrencePage, ScheduleChange } from "../../ports/schedule-store.js";
import type { BackfillRow, OccurrenceRow, ScheduleRow } from "./ledger-schema.js";
import { sortableText } from "./sortable-text.js";

/** What is read of a row: the columns beside the body only find it. */
export type ScheduleBody = Pick<ScheduleRow, "id" | "body">;
export type OccurrenceBody = Pick<OccurrenceRow, "occurrence_key" | "body">;
export type BackfillBody = Pick<BackfillRow, "id" | "body">;

/** Of which schedule, from when, and before which one. */
export interface OccurrenceRange {
  readonly scheduleId: string;
  readonly since: number;
  readonly before: number;
  /** Of those at `before` only what sorts behind this. */
  readonly behind: string;
}

/** Beyond every time of a `Date`. */
export const END_OF_TIME = 2 ** 53 - 1;

export function occurrenceRangeOf({ scheduleId, since, before }: OccurrencePage): OccurrenceRange {
  return {
    scheduleId: sortableText(scheduleId),
    since: since?.getTime() ?? -END_OF_TIME,
    before: before?.nominalAt.getTime() ?? END_OF_TIME,
    behind: sortableText(before?.key ?? ""),
  };
}

/** A change in its rows, and a copy of it. */
export interface ChangeRows {
  readonly schedule: ScheduleRow | undefined;
  readonly backfill: BackfillRow | undefined;
  readonly insert: readonly OccurrenceRow[];
  readonly update: readonly OccurrenceUpdate[];
}

export type OccurrenceUpdate = OccurrenceRow & { readonly was: OccurrenceState };

export function changeRowsOf({ schedule, backfill, insert = [], update = [] }: ScheduleChange): ChangeRows {
  return {
    schedule: schedule && scheduleRowOf(schedule),
    backfill: backfill && backfillRowOf(backfill),
    insert: insert.map(occurrenceRowOf),
    update: update.map(({ from, to }) => ({ ...occurrenceRowOf(to), was: from })),
  };
}

export function scheduleRowOf(schedule: Schedule): ScheduleRow {
  const { definition, version, state, dueAt } = schedule;
  return { id: sortableText(definition.id), version, state, due_at: timeOf(dueAt), body: JSON.stringify(schedule) };
}

function occurrenceRowOf(occurrence: Occurrence): OccurrenceRow {
  const { key, scheduleId, nominalAt, state, runId, endedAt } = occurrence;
  return {
    occurrence_key: sortableText(key),
    schedule_id: sortableText(scheduleId),
    nominal_at: nominalAt.getTime(),
    state,
    run_id: runId,
    ended_at: timeOf(endedAt),
    body: JSON.stringify(occurrence),
  };
}

export function backfillRowOf(backfill: Backfill): BackfillRow {
  const { id, scheduleId, version, createdAt, endedAt } = backfill;
  return {
    id: sortableText(id),
    schedule_id: sortableText(scheduleId),
    version,
    created_at: createdAt.getTime(),
    ended_at: timeOf(endedAt),
    body: JSON.stringify(backfill),
  };
}

/** Throws `store_unavailable`, naming the row, for what somebody changed into none; so do those below. */
export function scheduleOf({ id, body }: ScheduleBody): Schedule {
  return read("schedule", id, body, (stored: StoredSchedule) => ({
    ...stored,
    definition: { ...stored.definition, id: checked(stored.definition.id, isText) },
    version: checked(stored.version, Number.isSafeInteger),
    state: checked(stored.state, (state) => SCHEDULE_STATES.includes(state)),
    createdAt: dateIn(stored.createdAt),
    updatedAt: dateIn(stored.updatedAt),
    cursor: dateIn(stored.cursor),
    nextAt: dateOrNull(stored.nextAt),
    dueAt: dateOrNull(stored.dueAt),
    last: stored.last && { ...stored.last, nominalAt: dateIn(stored.last.nominalAt), at: dateIn(stored.last.at) },
  }));
}

export function occurrenceOf({ occurrence_key: id, body }: OccurrenceBody): Occurrence {
  return read("occurrence", id, body, (stored: Stored<Occurrence, OccurrenceDate>) => ({
    ...stored,
    key: checked(stored.key, isText),
    scheduleId: checked(stored.scheduleId, isText),
    state: checked(stored.state, (state) => OCCURRENCE_STATES.includes(state)),
    nominalAt: dateIn(stored.nominalAt),
    previousAt: dateIn(stored.previousAt),
    dueAt: dateIn(stored.dueAt),
    createdAt: dateIn(stored.createdAt),
    endedAt: dateOrNull(stored.endedAt),
    lastNominalAt: dateIn(stored.lastNominalAt),
  }));
}

export function backfillOf({ id, body }: BackfillBody): Backfill {
  return read("backfill", id, body, (stored: Stored<Backfill, BackfillDate>) => ({
    ...stored,
    id: checked(stored.id, isText),
    scheduleId: checked(stored.scheduleId, isText),
    version: checked(stored.version, Number.isSafeInteger),
    from: dateIn(stored.from),
    to: dateIn(stored.to),
    createdAt: dateIn(stored.createdAt),
    endedAt: dateOrNull(stored.endedAt),
    cursor: dateOrNull(stored.cursor),
  }));
}

/** In JSON a date is text. */
type Stored<T, D extends keyof T> = Omit<T, D> & { readonly [K in D]: string | Extract<T[K], null> };
type OccurrenceDate = "nominalAt" | "previousAt" | "dueAt" | "createdAt" | "endedAt" | "lastNominalAt";
type BackfillDate = "from" | "to" | "createdAt" | "endedAt" | "cursor";
type StoredSchedule = Stored<
  Omit<Schedule, "last"> & { readonly last: Stored<LastOutcome, "nominalAt" | "at"> | null },
  "createdAt" | "updatedAt" | "cursor" | "nextAt" | "dueAt"
>;

function read<S, T>(kind: string, id: string, body: string, make: (stored: S) => T): T {
  try {
    return make(JSON.parse(body) as S);
  } catch {
    throw new JobError("store_unavailable", {
      message: `The ledger's row of ${kind} ${JSON.stringify(id)} cannot be read.`,
      hint: "Somebody changed the ledger by hand. Repair or delete that row; others are not touched by it.",
      retryable: false,
    });
  }
}

function checked<T>(value: T, isOne: (value: T) => boolean): T {
  if (isOne(value)) return value;
  throw new TypeError("A value is not what it must be.");
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

function dateIn(text: string): Date {
  return new Date(checked(Date.parse(checked(text, isText)), Number.isFinite));
}

function dateOrNull(text: string | null): Date | null {
  return text === null ? null : dateIn(text);
}

function timeOf(date: Date | null): number | null {
  return date && date.getTime();
}
