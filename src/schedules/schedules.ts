import { errAsync, okAsync, ResultAsync } from "neverthrow";
import type { Backfill } from "../model/backfill.js";
import type { JobError } from "../model/job-error.js";
import { manualKey } from "../model/occurrence-key.js";
import type { Occurrence, OccurrenceState } from "../model/occurrence.js";
import type { Schedule, ScheduleDefinition } from "../model/schedule.js";
import type { ScheduleChange } from "../ports/schedule-store.js";
import { type BackfillHandle, type BackfillOptions, type BackfillPlan, Backfills } from "./backfills.js";
import { checkSchedule } from "./check-schedule.js";
import { overlapOf } from "./define-schedule.js";
import { calledOff } from "./end-occurrence.js";
import { explainSchedule, nextOf, type ScheduleExplanation } from "./explain-schedule.js";
import { nextFirings } from "./firing-times.js";
import { manualFiring } from "./manual-firing.js";
import { newSchedule } from "./new-schedule.js";
import { checkedInstant } from "./instant-range.js";
import { checkedLimit, cursorAfter, pageStart } from "./occurrence-pages.js";
import type { OccurrenceStarter } from "./occurrence-starter.js";
import { asScheduleError, scheduleBusy, scheduleExists, unknownSchedule } from "./schedule-errors.js";
import type { ScheduleFolder } from "./schedule-folder.js";
import type { ScheduleServices } from "./schedule-services.js";
import type { ScheduleSpec } from "./schedule-spec.js";
import { pausedSchedule } from "./paused-schedule.js";
import { goingOn } from "./schedule-states.js";
import { updatedSchedule } from "./updated-schedule.js";

/** What keeps a call on schedules from being done. */
export type ScheduleError = JobError;

export interface OccurrenceQuery {
  readonly state?: OccurrenceState | readonly OccurrenceState[];
  /** Default 50, at most 1,000. */
  readonly limit?: number;
  readonly cursor?: string;
}

export interface OccurrenceList {
  /** Newest nominal time first. */
  readonly occurrences: readonly Occurrence[];
  readonly nextCursor?: string;
}

/** A change is computed anew so often, when others change the schedule at the same time. */
const TRIES = 50;
const DEFAULT_LIMIT = 50;

/** The schedules of a ledger. What is asked of one that is not there is refused with `unknown_schedule`. */
export class Schedules {
  readonly #backfills: Backfills;

  constructor(
    private readonly services: ScheduleServices,
    private readonly starter: OccurrenceStarter,
    /** Why nothing is done now; null: it is. */
    private readonly refusal: () => JobError | null,
    /** Where definitions are kept as files, too: written first, so that a crash leaves the newer of the two. */
    private readonly folder: ScheduleFolder | undefined,
  ) {
    this.#backfills = new Backfills(services);
  }

  /** Stores a new schedule. Refused with `schedule_exists` when there is one of this id. */
  create(definition: ScheduleDefinition): ResultAsync<Schedule, ScheduleError> {
    return this.#taking(async () => {
      const { store, jobs, scheduler } = this.services;
      const now = await store.now();
      await checkSchedule(definition, jobs, scheduler, now);
      const [known] = await store.getSchedules([definition.id]);
      if (known !== undefined) throw scheduleExists(definition.id);
      await this.folder?.write(definition);
      const schedule = newSchedule(definition, now, scheduler);
      if (!(await store.createSchedule(schedule))) throw scheduleExists(definition.id);
      this.services.wake();
      return schedule;
    });
  }

  /**
   * Puts another definition in the place of the one of this id. Counters, open occurrences and a pause stay. With other times
   * it goes on from now, and what was due by the old ones is fired first.
   */
  update(definition: ScheduleDefinition): ResultAsync<Schedule, ScheduleError> {
    return this.#taking(async () => {
      const { store, jobs, scheduler } = this.services;
      await checkSchedule({ ...definition, startImmediately: false }, jobs, scheduler, await store.now());
      await this.#schedule(definition.id);
      await this.folder?.write(definition);
      return this.#change(definition.id, (schedule, now, open) => {
        return updatedSchedule(schedule, definition, open, now, scheduler);
      });
    });
  }

  /** Stores it, or puts it in the place of the one of this id when that is another. */
  put(definition: ScheduleDefinition): ResultAsync<Schedule, ScheduleError> {
    return this.#taking(() => this.services.store.getSchedules([definition.id])).andThen(([found]) => {
      if (found?.definition.hash === definition.hash) return okAsync(found);
      if (found !== undefined) return this.update(definition);
      return this.create(definition).orElse((error) => {
        return error.code === "schedule_exists" ? this.put(definition) : errAsync(error);
      });
    });
  }

  /**
   * Nothing fires until it is resumed, and what waits is called off. Runs that have started go on, and what was due before is
   * fired first.
   */
  pause(id: string, reason = "somebody paused it"): ResultAsync<Schedule, ScheduleError> {
    return this.#taking(() =>
      this.#change(id, (schedule, now, open) => {
        return pausedSchedule(schedule, reason, open, now, this.services.scheduler);
      }),
    );
  }

  /** Goes on from now: what would have fired meanwhile does not. */
  resume(id: string): ResultAsync<Schedule, ScheduleError> {
    return this.#taking(() =>
      this.#change(id, (schedule, now) => {
        if (schedule.state !== "paused") return null;
        return { schedule: goingOn({ ...schedule, failedInARow: 0 }, now, this.services.scheduler) };
      }),
    );
  }

  /**
   * Fires now, also when it is paused or finished.
   *
   * @param options.overlap another policy for this firing. Default: the schedule's.
   * @returns the occurrence: `started` with its run, `buffered`, `skipped_overlap`, or `failed` when the submit was refused;
   * `scheduled` when the submit takes longer than a second, and goes on.
   */
  trigger(
    id: string,
    options: { readonly overlap?: ScheduleSpec["overlap"] } = {},
  ): ResultAsync<Occurrence, ScheduleError> {
    return this.#taking(async () => {
      const { store, runs } = this.services;
      const asked = options.overlap === undefined ? undefined : overlapOf(options.overlap);
      const key = manualKey(id, runs.ids.next());
      for (let tries = 0; tries < TRIES; tries += 1) {
        const schedule = await this.#schedule(id);
        const [open, now] = await Promise.all([store.openOccurrences([id]), store.now()]);
        const overlap = asked ?? schedule.definition.overlap;
        const { change, occurrence } = manualFiring(schedule, open, { key, now, overlap });
        const [done] = await store.advance([change]);
        if (!done) continue;
        if (occurrence.state === "scheduled") await this.starter.start([{ occurrence, schedule }]);
        if (overlap.kind === "cancel_running") await this.starter.cancelReplaced([id]);
        return (await store.getOccurrence(key)) ?? occurrence;
      }
      throw scheduleBusy(id);
    });
  }

  /** Deletes it, and calls off what has not started. False: there is none. Runs that have started go on. */
  delete(id: string): ResultAsync<boolean, ScheduleError> {
    return this.#taking(async () => {
      const { store } = this.services;
      await this.folder?.remove(id);
      const deleted = await store.deleteSchedule(id);
      const now = await store.now();
      const open = (await store.openOccurrences([id])).filter(({ state }) => state !== "started");
      await store.advance(open.map((one) => ({ update: [calledOff(one, now, "its schedule was deleted")] })));
      return deleted;
    });
  }

  async get(id: string): Promise<Schedule | undefined> {
    this.#mustBeUsable();
    const [found] = await this.services.store.getSchedules([id]);
    return found;
  }

  /** In the order of their ids. */
  async list(page: { readonly after?: string; readonly limit?: number } = {}): Promise<readonly Schedule[]> {
    this.#mustBeUsable();
    return this.services.store.listSchedules({ ...page, limit: checkedLimit(page.limit ?? DEFAULT_LIMIT) });
  }

  async occurrences(id: string, query: OccurrenceQuery = {}): Promise<OccurrenceList> {
    this.#mustBeUsable();
    const { state, cursor, limit = DEFAULT_LIMIT } = query;
    const before = cursor === undefined ? undefined : pageStart(cursor);
    const occurrences = await this.services.store.listOccurrences({
      scheduleId: id,
      limit: checkedLimit(limit),
      ...(state !== undefined && { states: [state].flat() }),
      ...(before && { before }),
    });
    const last = occurrences.length < limit ? undefined : occurrences.at(-1);
    return { occurrences, ...(last && { nextCursor: cursorAfter(last) }) };
  }

  /** Why it fired, or did not: from the ledger alone. */
  explain(id: string): ResultAsync<ScheduleExplanation, ScheduleError> {
    return this.#taking(async () => {
      const { store, scheduler, jobs } = this.services;
      const schedule = await this.#schedule(id);
      const [recent, open, now] = await Promise.all([
        store.listOccurrences({ scheduleId: id, limit: 20 }),
        store.openOccurrences([id]),
        store.now(),
      ]);
      return explainSchedule(
        { schedule, recent, open, now, isJobKnown: jobs.get(schedule.definition.job) !== undefined },
        scheduler,
      );
    });
  }

  /** The next nominal times, if nothing but its times and its `maxFirings` has a say. Fewer when there are no more. */
  nextFireTimes(id: string, count: number): ResultAsync<readonly Date[], ScheduleError> {
    return this.#taking(async () => nextOf(await this.#schedule(id), this.services.scheduler, checkedLimit(count)));
  }

  /** What {@link backfill} would fire. Changes nothing. */
  planBackfill(id: string, options: BackfillOptions): ResultAsync<BackfillPlan, ScheduleError> {
    return this.#taking(async () => this.#backfills.plan((await this.#schedule(id)).definition, options));
  }

  /** Fires the nominal times of a range, whatever the state of the schedule. It goes on after a crash. */
  backfill(id: string, options: BackfillOptions): ResultAsync<BackfillHandle, ScheduleError> {
    return this.#taking(async () => this.#backfills.start((await this.#schedule(id)).definition, options));
  }

  /** Follows a backfill by its id, whoever started it. */
  backfillHandle(id: string): BackfillHandle {
    return this.#backfills.handle(id);
  }

  /** Newest first. */
  async listBackfills(
    page: { readonly scheduleId?: string; readonly limit?: number } = {},
  ): Promise<readonly Backfill[]> {
    this.#mustBeUsable();
    return this.services.store.listBackfills({ ...page, limit: checkedLimit(page.limit ?? DEFAULT_LIMIT) });
  }

  /** The firings of a trigger from `after` on (default: now). Stores nothing, and works before the executor has started. */
  preview({ times }: Pick<ScheduleDefinition, "times">, count: number, after?: Date): readonly Date[] {
    const { scheduler, runs } = this.services;
    const from = checkedInstant(after?.getTime() ?? runs.clock.now(), "after");
    return nextFirings(times, scheduler, from, checkedLimit(count)).map((time) => new Date(time));
  }

  /**
   * @param change what becomes of it; null: it stays as it is. A change that fires something is followed by another one, and
   * what it fired is started.
   */
  async #change(
    id: string,
    change: (
      schedule: Schedule,
      now: Date,
      open: readonly Occurrence[],
    ) => ScheduleChange | Promise<ScheduleChange | null> | null,
  ): Promise<Schedule> {
    const { store } = this.services;
    const fired: Occurrence[] = [];
    for (let tries = 0; tries < TRIES; tries += 1) {
      const schedule = await this.#schedule(id);
      const [open, now] = await Promise.all([store.openOccurrences([id]), store.now()]);
      const own = open.filter(({ cause }) => cause !== "backfill");
      const changed = await change(schedule, now, own);
      if (!changed?.schedule) return schedule;
      const next = { ...changed.schedule, version: schedule.version + 1, updatedAt: now };
      const [done] = await store.advance([{ ...changed, schedule: next }]);
      if (!done) continue;
      if (changed.insert) {
        fired.push(...changed.insert.filter(({ state }) => state === "scheduled"));
        tries -= 1;
        continue;
      }
      this.services.wake();
      if (fired.length > 0) await this.starter.start(fired.map((occurrence) => ({ occurrence, schedule: next })));
      return next;
    }
    throw scheduleBusy(id);
  }

  async #schedule(id: string): Promise<Schedule> {
    const [found] = await this.services.store.getSchedules([id]);
    if (found === undefined) throw unknownSchedule(id);
    return found;
  }

  #taking<T>(take: () => Promise<T>): ResultAsync<T, ScheduleError> {
    const refusal = this.refusal();
    return ResultAsync.fromPromise(refusal ? Promise.reject(refusal) : take(), asScheduleError);
  }

  #mustBeUsable(): void {
    const refusal = this.refusal();
    if (refusal) throw refusal;
  }
}
