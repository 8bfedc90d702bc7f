import type { Backfill } from "../model/backfill.js";
import type { Occurrence, OccurrenceState } from "../model/occurrence.js";
import type { FinishedRun } from "../model/run.js";
import type { Schedule } from "../model/schedule.js";

/**
 * The part of the ledger that schedules need.
 *
 * Promise: each method is one atomic act, durable when it resolves. What is changed is compared first, by version or by
 * state: who comes too late changes nothing and is told so. Time is the store's own, as in `JobStore`. Values go in and come
 * out as copies, whatever text their ids hold, and ids sort by code unit. An entry that somebody made unreadable by hand is
 * logged by its id and passed over by whatever gives several, which goes on behind it; asked for alone it rejects with
 * `store_unavailable`. So does every method while the `JobStore` is closed.
 */
export interface ScheduleStore {
  /** The store's time, by which what is due is judged. */
  now(): Promise<Date>;
  /** Stores a new schedule. False: the id is taken. */
  createSchedule(schedule: Schedule): Promise<boolean>;
  /** Those of these ids that are there, in any order. */
  getSchedules(ids: readonly string[]): Promise<readonly Schedule[]>;
  /** In the order of their ids, after `after`. */
  listSchedules(page: { readonly after?: string; readonly limit: number }): Promise<readonly Schedule[]>;
  /** Its occurrences stay until they are pruned. False: it was not there. */
  deleteSchedule(id: string): Promise<boolean>;
  /**
   * At most `limit` active schedules whose `dueAt` has come, longest due first; those behind the first `skip`, which may hold
   * some that cannot be read. Never looks at the others.
   *
   * @param skip default 0.
   */
  dueSchedules(limit: number, skip?: number): Promise<readonly Schedule[]>;
  /** The earliest `dueAt` of an active schedule; undefined: none has one. */
  nextScheduleDueAt(): Promise<Date | undefined>;
  /**
   * Carries out each change that still finds what it is based upon, whole, all in one act and each upon what those before
   * it left. The answers come in the order of the changes; false: somebody else was first, and nothing of it was done.
   */
  advance(changes: readonly ScheduleChange[]): Promise<readonly boolean[]>;
  getOccurrence(key: string): Promise<Occurrence | undefined>;
  /** Of one schedule, newest nominal time first; of one time in the order of their keys. */
  listOccurrences(page: OccurrencePage): Promise<readonly Occurrence[]>;
  /** The occurrences of these schedules from which something can still come, oldest nominal time first. */
  openOccurrences(scheduleIds: readonly string[]): Promise<readonly Occurrence[]>;
  /** At most `limit` occurrences whose run is yet to be submitted, of all schedules, oldest first. */
  occurrencesToStart(limit: number): Promise<readonly Occurrence[]>;
  /**
   * At most `limit` `started` occurrences whose run has ended, each with that run; null: it was deleted. With `runIds`
   * instead the open occurrences of those of these runs that have ended, whether they know of their run already or not: a run
   * is that of the occurrence whose `runKey` is its idempotency key.
   */
  endedOccurrences(query: {
    readonly runIds?: readonly string[];
    readonly limit: number;
  }): Promise<readonly EndedRun[]>;
  /**
   * The ids of the runs that were made of occurrences, by the occurrences' keys, whether their entries know of them or not:
   * `runKey` is the run's idempotency key. Those of which none was made are left out.
   */
  runsOf(occurrenceKeys: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Deletes at most `limit` occurrences that ended longer ago than that, the first to end first; returns how many. */
  pruneOccurrences(range: { readonly olderThanMs: number; readonly limit: number }): Promise<number>;
  /** Stores a new backfill. False: the id is taken. */
  createBackfill(backfill: Backfill): Promise<boolean>;
  /** As {@link pruneOccurrences}, of backfills. */
  pruneBackfills(range: { readonly olderThanMs: number; readonly limit: number }): Promise<number>;
  getBackfill(id: string): Promise<Backfill | undefined>;
  /** Of one schedule, or all; open or ended ones, or both; by the time of their making, newest first. */
  listBackfills(page: {
    readonly scheduleId?: string;
    readonly open?: boolean;
    readonly limit: number;
  }): Promise<readonly Backfill[]>;
}

export interface EndedRun {
  readonly occurrence: Occurrence;
  readonly run: FinishedRun | null;
}

/** What becomes of one schedule, or one backfill, and of its occurrences, together. */
export interface ScheduleChange {
  /** The new schedule, whose version is the stored one's plus 1; absent: it is not touched. */
  readonly schedule?: Schedule;
  readonly backfill?: Backfill;
  /** New ones. A key that is taken already, or given twice, refuses the whole change. */
  readonly insert?: readonly Occurrence[];
  /** Each only if it is still in the state `from`; otherwise the whole change is refused. */
  readonly update?: readonly { readonly from: OccurrenceState; readonly to: Occurrence }[];
}

export interface OccurrencePage {
  readonly scheduleId: string;
  readonly states?: readonly OccurrenceState[];
  readonly limit: number;
  /** Only those with this nominal time or a later one. */
  readonly since?: Date;
  /** Only those with a nominal time before; of one time, keys that sort after. */
  readonly before?: { readonly nominalAt: Date; readonly key: string };
}
