import { causeChain } from "../model/job-error.js";
import type { Occurrence } from "../model/occurrence.js";
import type { Schedule } from "../model/schedule.js";
import type { ScheduleChange } from "../ports/schedule-store.js";
import { nextTurn } from "../runs/waiting.js";
import { LOOKED_AT } from "./due-firings.js";
import { fireSchedule } from "./fire-schedule.js";
import { longMissed } from "./long-missed.js";
import type { OccurrenceStarter } from "./occurrence-starter.js";
import type { ScheduleServices } from "./schedule-services.js";
import { pausedByFault } from "./schedule-states.js";

/** How many schedules are read at once, and about so many fired in one act. */
const BATCH = 200;
/** An act is carried out as soon as it holds so many firings: after a long sleep, one schedule may bring thousands. */
const FIRINGS_AT_ONCE = 2_000;
/** A schedule whose job is not known here is left to others for so long, in milliseconds. */
const LEFT_TO_OTHERS_MS = 5_000;

/** Fires what has come due. */
export class DueSchedules {
  constructor(
    private readonly services: ScheduleServices,
    private readonly starter: OccurrenceStarter,
  ) {}

  async fire(): Promise<FiredDue> {
    const { store } = this.services;
    const { due, read, isFull } = await this.#dueHere();
    if (read === 0) return { found: "nothing", read };
    const [open, now] = await Promise.all([openOf(due, this.services), store.now()]);
    let isMore = false;
    let act: Fired[] = [];
    let firings = 0;
    for (const schedule of due) {
      const own = open.get(schedule.definition.id) ?? [];
      const change = await this.#changeOf(schedule, own, now);
      act.push({ schedule, open: own, change });
      firings += firingsIn(change);
      if (firings < FIRINGS_AT_ONCE) continue;
      isMore = (await this.#carryOut(act, now, isFull)) || isMore;
      act = [];
      firings = 0;
      await nextTurn();
    }
    const last = await this.#carryOut(act, now, isFull);
    return { found: isMore || last ? "more" : "left", read };
  }

  /** What is due and decided here. What is left to others hides none of it: so many of them are passed over. */
  async #dueHere(): Promise<{ readonly due: readonly Schedule[]; readonly read: number; readonly isFull: boolean }> {
    const here = new Map<string, Schedule>();
    for (let read = 0; ;) {
      const due = await this.services.store.dueSchedules(BATCH, read);
      for (const schedule of await this.#notLeft(due)) here.set(schedule.definition.id, schedule);
      read += due.length;
      const isFull = due.length === BATCH;
      if (!isFull || here.size >= BATCH / 2) return { due: [...here.values()], read, isFull };
      await nextTurn();
    }
  }

  /** @returns whether any of it was done, and more may be due. */
  async #carryOut(act: readonly Fired[], now: Date, isFull: boolean): Promise<boolean> {
    if (act.length === 0) return false;
    const { store } = this.services;
    // Before the ledger says that another firing waits: if this process dies in between, nothing waits for a run without end.
    await this.#cancelReplaced(act);
    const done = await store.advance(act.map(({ change }) => change));
    const fired = act.filter((_, at) => done[at]);
    for (const one of await this.#unchanged(act.filter((_, at) => !done[at]))) {
      const carried = await this.#withoutTaken(one, now);
      if (carried) fired.push(carried);
    }
    await this.starter.startBeside(
      fired.flatMap(({ schedule, change: { insert = [] } }) => {
        return insert.filter(({ state }) => state === "scheduled").map((occurrence) => ({ occurrence, schedule }));
      }),
    );
    return fired.some(({ change: { schedule } }) => isFull || (schedule?.dueAt != null && schedule.dueAt <= now));
  }

  /** Those whose schedule nobody else has changed. */
  async #unchanged(refused: readonly Fired[]): Promise<readonly Fired[]> {
    if (refused.length === 0) return [];
    const schedules = await this.services.store.getSchedules(refused.map(({ schedule }) => schedule.definition.id));
    const versions = new Map(schedules.map(({ definition, version }) => [definition.id, version]));
    return refused.filter(({ schedule }) => versions.get(schedule.definition.id) === schedule.version);
  }

  /**
   * Its occurrences may be there from before the clock was put back, or from before the schedule was made anew. Undefined:
   * somebody else was first.
   */
  async #withoutTaken({ schedule, open }: Fired, now: Date): Promise<Fired | undefined> {
    const { store } = this.services;
    const taken = new Set<string>();
    for (;;) {
      const change = await this.#changeOf(schedule, open, now, taken);
      const [done] = await store.advance([change]);
      if (done) return { schedule, open, change };
      const known = await Promise.all((change.insert ?? []).map(({ key }) => store.getOccurrence(key)));
      const found = known.flatMap((one) => (one && !taken.has(one.key) ? [one.key] : []));
      if (found.length === 0) return undefined;
      for (const key of found) taken.add(key);
    }
  }

  async #changeOf(
    schedule: Schedule,
    open: readonly Occurrence[],
    now: Date,
    taken?: ReadonlySet<string>,
  ): Promise<ScheduleChange> {
    const { scheduler } = this.services;
    try {
      const behind = await longMissed(schedule, now.getTime(), scheduler);
      return await fireSchedule(schedule, open, now, scheduler, taken, behind);
    } catch (fault) {
      const { id } = schedule.definition;
      this.services.runs.logger.error("A schedule cannot be fired and is paused.", { id, message: causeChain(fault) });
      return { schedule: { ...pausedByFault(schedule, fault), version: schedule.version + 1, updatedAt: now } };
    }
  }

  async #cancelReplaced(act: readonly Fired[]): Promise<void> {
    for (const { schedule, open, change } of act) {
      const { overlap, id } = schedule.definition;
      if (overlap.kind === "cancel_running") await this.starter.cancelRuns(id, [...open, ...(change.insert ?? [])]);
    }
  }

  /** Without those whose job another process may have: this one may be older than the schedule. */
  async #notLeft(due: readonly Schedule[]): Promise<readonly Schedule[]> {
    const isKnown = ({ definition }: Schedule) => this.services.jobs.get(definition.job) !== undefined;
    if (due.every(isKnown)) return due;
    const now = await this.services.store.now();
    return due.filter((schedule) => isKnown(schedule) || isLeftLong(schedule, now));
  }
}

function isLeftLong({ definition, dueAt }: Schedule, now: Date): boolean {
  if (dueAt === null) return true;
  return Math.abs(now.getTime() - dueAt.getTime()) >= Math.min(LEFT_TO_OTHERS_MS, definition.misfireGraceMs);
}

/** What came of a look at what is due. */
export interface FiredDue {
  /** Nothing was due, more may be, or what is left is not for now. */
  readonly found: "nothing" | "more" | "left";
  /** How many schedules were read for it. */
  readonly read: number;
}

interface Fired {
  readonly schedule: Schedule;
  readonly open: readonly Occurrence[];
  readonly change: ScheduleChange;
}

async function openOf(
  schedules: readonly Schedule[],
  { store }: ScheduleServices,
): Promise<ReadonlyMap<string, readonly Occurrence[]>> {
  const ids = schedules.map(({ definition }) => definition.id);
  const open = new Map<string, Occurrence[]>(ids.map((id) => [id, []]));
  for (const one of await store.openOccurrences(ids)) if (one.cause !== "backfill") open.get(one.scheduleId)?.push(one);
  return open;
}

/** Those that were looked at: of many that were missed for long, only some. */
function firingsIn({ insert = [] }: ScheduleChange): number {
  return insert.reduce((sum, { count }) => sum + Math.min(count, LOOKED_AT), 0);
}
