import { errAsync, okAsync, ResultAsync } from "neverthrow";
import type { Backfill } from "../model/backfill.js";
import type { JobError } from "../model/job-error.js";
import { manualKey } from "../model/occurrence-key.js";
import type { Occurrence, OccurrenceState } from "../model/occurrence.js";
import type { Schedule, ScheduleDefinition } from "../model/schedule.js";
import { checkedName, checkedReason } from "../runs/checked-arguments.js";
import { type BackfillHandle, type BackfillOptions, type BackfillPlan, Backfills } from "./backfills.js";
import { checkSchedule } from "./check-schedule.js";
import {
  type BackfillPage,
  checkedAfter,
  checkedBackfillPage,
  checkedCount,
  checkedDefinition,
  checkedOccurrenceQuery,
  checkedSchedulePage,
  checkedTimes,
  checkedTriggerOptions,
  type SchedulePage,
} from "./checked-calls.js";
import { overlapOf } from "./define-schedule.js";
import { calledOff } from "./end-occurrence.js";
import { explainSchedule, nextOf, type ScheduleExplanation } from "./explain-schedule.js";
import { nextFiringsNow } from "./firing-times.js";
import { manualFiring } from "./manual-firing.js";
import { newSchedule } from "./new-schedule.js";
import { cursorAfter, pageStart } from "./occurrence-pages.js";
import type { OccurrenceStarter } from "./occurrence-starter.js";
import { asScheduleError, scheduleBusy, scheduleExists } from "./schedule-errors.js";
import { ScheduleActs, TRIES } from "./schedule-acts.js";
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

const DEFAULT_LIMIT = 50;

/** The schedules of a ledger. What is asked of one that is not there is refused with `unknown_schedule`. */
export class Schedules {
  readonly #backfills: Backfills;
  readonly #acts: ScheduleActs;

  constructor(
    private readonly services: ScheduleServices,
    private readonly starter: OccurrenceStarter,
    /** Why nothing is done now; null: it is. */
    private readonly refusal: () => JobError | null,
    /** Where definitions are kept as files, too: written first, so that a crash leaves the newer of the two. */
    private readonly folder: ScheduleFolder | undefined,
  ) {
    this.#backfills = new Backfills(services);
    this.#acts = new ScheduleActs(services, starter);
  }

  /** Stores a new schedule. Refused with `schedule_exists` when there is one of this id. */
  create(given: ScheduleDefinition): ResultAsync<Schedule, ScheduleError> {
    return this.#taking(async () => {
      const definition = checkedDefinition(given);
      const { store, jobs, scheduler } = this.services;
      const now = await store.now();
      await checkSchedule(definition, jobs, scheduler, now);
      const [known] = await store.getSchedules([definition.id]);
      if (known !== undefined) throw scheduleExists(definition.id);
      await this.folder?.write(definition);
      const schedule = await newSchedule(definition, now, scheduler);
      if (!(await store.createSchedule(schedule))) throw scheduleExists(definition.id);
      this.services.wake();
      return schedule;
    });
  }

  /**
   * Puts another definition in the place of the one of this id. Counters, open occurrences and a pause stay. With other times
   * it goes on from now, and what was due by the old ones is fired first.
   */
  update(given: ScheduleDefinition): ResultAsync<Schedule, ScheduleError> {
    return this.#taking(async () => {
      const definition = checkedDefinition(given);
      const { store, jobs, scheduler } = this.services;
      await checkSchedule({ ...definition, startImmediately: false }, jobs, scheduler, await store.now());
      await this.#acts.schedule(definition.id);
      await this.folder?.write(definition);
      return this.#acts.change(definition.id, (schedule, now, open) => {
        return updatedSchedule(schedule, definition, open, now, scheduler);
      });
    });
  }

  /** Stores it, or puts it in the place of the one of this id when that is another. */
  put(given: ScheduleDefinition): ResultAsync<Schedule, ScheduleError> {
    const asked = this.#taking(async () => {
      const checked = checkedDefinition(given);
      const [found] = await this.services.store.getSchedules([checked.id]);
      return [checked, found] as const;
    });
    return asked.andThen(([definition, found]) => {
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
  pause(id: string, reason?: string): ResultAsync<Schedule, ScheduleError> {
    return this.#taking(async () => {
      const why = checkedReason(reason) ?? "somebody paused it";
      return this.#acts.change(id, (schedule, now, open) => {
        return pausedSchedule(schedule, why, open, now, this.services.scheduler);
      });
    });
  }

  /** Goes on from now: what would have fired meanwhile does not. */
  resume(id: string): ResultAsync<Schedule, ScheduleError> {
    return this.#taking(() =>
      this.#acts.change(id, async (schedule, now) => {
        if (schedule.state !== "paused") return null;
        return { schedule: await goingOn({ ...schedule, failedInARow: 0 }, now, this.services.scheduler) };
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
      const { overlap: given } = checkedTriggerOptions(options);
      const asked = given === undefined ? undefined : overlapOf(given);
      checkedName("id", id);
      const key = manualKey(id, runs.ids.next());
      for (let tries = 0; tries < TRIES; tries += 1) {
        const schedule = await this.#acts.schedule(id);
        const [open, now] = await Promise.all([store.openOccurrences([id]), store.now()]);
        const overlap = asked ?? schedule.definition.overlap;
        const { change, occurrence } = manualFiring(schedule, open, { key, now, overlap });
        // Before the ledger says that it waits: if this process dies in between, it waits for no run without end.
        await this.starter.cancelRuns(id, [...open, ...(change.insert ?? [])]);
        const [done] = await store.advance([change]);
        if (!done) continue;
        if (occurrence.state === "scheduled") await this.starter.start([{ occurrence, schedule }]);
        return (await store.getOccurrence(key)) ?? occurrence;
      }
      throw scheduleBusy(id);
    });
  }

  /** Deletes it, and calls off what has not started. False: there is none. Runs that have started go on. */
  delete(id: string): ResultAsync<boolean, ScheduleError> {
    return this.#taking(async () => {
      const { store } = this.services;
      checkedName("id", id);
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
    const [found] = await this.services.store.getSchedules([checkedName("id", id)]);
    return found;
  }

  /** In the order of their ids. */
  async list(page: SchedulePage = {}): Promise<readonly Schedule[]> {
    this.#mustBeUsable();
    return this.services.store.listSchedules({ limit: DEFAULT_LIMIT, ...checkedSchedulePage(page) });
  }

  async occurrences(id: string, query: OccurrenceQuery = {}): Promise<OccurrenceList> {
    this.#mustBeUsable();
    const { state, cursor, limit = DEFAULT_LIMIT } = checkedOccurrenceQuery(query);
    const before = cursor === undefined ? undefined : pageStart(cursor);
    const occurrences = await this.services.store.listOccurrences({
      scheduleId: checkedName("id", id),
      limit,
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
      const schedule = await this.#acts.schedule(id);
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
    return this.#taking(async () => {
      const most = checkedCount(count);
      return nextOf(await this.#acts.schedule(id), this.services.scheduler, most);
    });
  }

  /** What {@link backfill} would fire. Changes nothing. */
  planBackfill(id: string, options: BackfillOptions): ResultAsync<BackfillPlan, ScheduleError> {
    return this.#taking(async () => this.#backfills.plan((await this.#acts.schedule(id)).definition, options));
  }

  /** Fires the nominal times of a range, whatever the state of the schedule. It goes on after a crash. */
  backfill(id: string, options: BackfillOptions): ResultAsync<BackfillHandle, ScheduleError> {
    return this.#taking(async () => this.#backfills.start((await this.#acts.schedule(id)).definition, options));
  }

  /** Follows a backfill by its id, whoever started it. */
  backfillHandle(id: string): BackfillHandle {
    return this.#backfills.handle(checkedName("id", id));
  }

  /** Newest first. */
  async listBackfills(page: BackfillPage = {}): Promise<readonly Backfill[]> {
    this.#mustBeUsable();
    return this.services.store.listBackfills({ limit: DEFAULT_LIMIT, ...checkedBackfillPage(page) });
  }

  /**
   * The firings of a trigger from `after` on (default: now). Stores nothing, and works before the executor has started.
   *
   * @throws JobError `invalid_definition`; also where hundreds in a row are excluded, since the host would wait for it.
   */
  preview(definition: Pick<ScheduleDefinition, "times">, count: number, after?: Date): readonly Date[] {
    const { scheduler, runs } = this.services;
    const from = checkedAfter(after) ?? runs.clock.now();
    const times = nextFiringsNow(checkedTimes(definition), scheduler, from, checkedCount(count));
    return times.map((time) => new Date(time));
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
