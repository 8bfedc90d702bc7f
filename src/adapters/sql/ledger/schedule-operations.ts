import type { BackfillRow, FullRow, OccurrenceRow, ScheduleRow } from "../ledger-schema.js";
import type {
  BackfillBody,
  OccurrenceBody,
  OccurrenceRange,
  OccurrenceUpdate,
  ScheduleBody,
} from "../schedule-rows.js";
import type { Now } from "./ledger-rows.js";

/** A part of many rows, in their order. */
export interface Part {
  readonly limit: number;
  /** How many come before it. */
  readonly skip: number;
}

/** What a database does for the schedules of its ledger, as `LedgerOperations`. Ids and keys are given as the rows hold them. */
export interface ScheduleOperations {
  now(): Promise<readonly Now[]>;
  /** Gives a row when it was stored; none: the id is taken. */
  insertSchedule(given: ScheduleRow): Promise<readonly unknown[]>;
  /** Gives a row when it was there. */
  deleteSchedule(given: { readonly id: string }): Promise<readonly unknown[]>;
  schedulesById(given: { readonly ids: readonly string[] }): Promise<readonly ScheduleBody[]>;
  /** In the order of their ids, from one on. */
  schedulesFrom(given: Part & { readonly from: string }): Promise<readonly ScheduleBody[]>;
  dueSchedules(given: Part): Promise<readonly ScheduleBody[]>;
  /** Active ones in the order of their times, whether that has come or not. */
  plannedSchedules(given: Part): Promise<readonly ScheduleBody[]>;

  /** Writes rows over the version before theirs, in the order given, and gives the ids of those that it found. */
  updateSchedules(rows: readonly ScheduleRow[]): Promise<readonly string[]>;
  updateBackfills(rows: readonly BackfillRow[]): Promise<readonly string[]>;
  /** Writes rows that are in their state `was`, and gives the keys of those that it found. */
  updateOccurrences(rows: readonly OccurrenceUpdate[]): Promise<readonly string[]>;
  /** Stores rows, in the order given, and gives how many; those whose key is taken are left out. */
  insertOccurrences(rows: readonly OccurrenceRow[]): Promise<number>;

  occurrencesByKey(given: { readonly keys: readonly string[] }): Promise<readonly OccurrenceBody[]>;
  /** Newest first. Null: of any state. */
  occurrencesOf(
    given: Part & OccurrenceRange & { readonly states: readonly string[] | null },
  ): Promise<readonly OccurrenceBody[]>;
  /** Oldest first, as the ones below. */
  openOccurrences(given: { readonly ids: readonly string[] }): Promise<readonly OccurrenceBody[]>;
  occurrencesToStart(given: Part): Promise<readonly OccurrenceBody[]>;
  /** Started ones whose run has ended or is not there, with that run. */
  endedOccurrences(given: Part): Promise<readonly EndedRow[]>;
  runsById(given: { readonly ids: readonly string[] }): Promise<readonly FullRow[]>;
  /** Gives how many. */
  pruneOccurrences(given: { readonly olderThanMs: number; readonly limit: number }): Promise<number>;

  /** Gives a row when it was stored. */
  insertBackfill(given: BackfillRow): Promise<readonly unknown[]>;
  /** Gives how many. */
  pruneBackfills(given: { readonly olderThanMs: number; readonly limit: number }): Promise<number>;
  backfillById(given: { readonly id: string }): Promise<readonly BackfillBody[]>;
  /** Newest first. Null: of any schedule; open and ended ones. */
  backfills(
    given: Part & { readonly scheduleId: string | null; readonly open: boolean | null },
  ): Promise<readonly BackfillBody[]>;
}

/** A run's row is all null where the run was deleted. */
export type EndedRow = OccurrenceBody & (FullRow | { readonly [C in keyof FullRow]: null });
