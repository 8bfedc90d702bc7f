import { causeChain } from "../model/job-error.js";
import type { Occurrence } from "../model/occurrence.js";
import type { Schedule } from "../model/schedule.js";
import type { ScheduleChange } from "../ports/schedule-store.js";
import { nextTurn } from "../runs/waiting.js";
import { LOOKED_AT } from "./due-firings.js";
import { fireSchedule } from "./fire-schedule.js";
import { longMissed } from "./long-missed.js";
import type { OccurrenceStarter } from "./occurrence-starter.js";
import { runsToCancel } from "./overlap.js";
import type { ScheduleServices } from "./schedule-services.js";
import { pausedByFault } from "./schedule-states.js";

/** How many schedules are fired in one act. */
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

  /** @returns whether nothing was due, more may be, or what is left is not for now. */
  async fire(): Promise<"nothing" | "more" | "left"> {
    const { store } = this.services;
    const due = await store.dueSchedules(BATCH);
    if (due.length === 0) return "nothing";
    const [open, now] = await Promise.all([openOf(due, this.services), store.now()]);
    let isMore = false;
    let act: Fired[] = [];
    let firings = 0;
    for (const schedule of due) {
      if (!this.#isKnown(schedule, now)) continue;
      const own = open.get(schedule.definition.id) ?? [];
      const change = await this.#changeOf(schedule, own, now);
      act.push({ schedule, open: own, change });
      firings += firingsIn(change);
      if (firings < FIRINGS_AT_ONCE) continue;
      isMore = (await this.#carryOut(act, now)) || isMore;
      act = [];
      firings = 0;
      await nextTurn();
    }
    const last = await this.#carryOut(act, now);
    return isMore || last ? "more" : "left";
  }

  /** @returns whether any of it was done, and more may be due. */
  async #carryOut(act: readonly Fired[], now: Date): Promise<boolean> {
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
    return fired.some(({ change }) => change.schedule?.dueAt != null && change.schedule.dueAt <= now);
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
      return fireSchedule(schedule, open, now, scheduler, taken, behind);
    } catch (fault) {
      const { id } = schedule.definition;
      this.services.runs.logger.error("A schedule cannot be fired and is paused.", { id, message: causeChain(fault) });
      return { schedule: { ...pausedByFault(schedule, fault), version: schedule.version + 1, updatedAt: now } };
    }
  }

  async #cancelReplaced(act: readonly Fired[]): Promise<void> {
    for (const { schedule, open, change } of act) {
      const { overlap, id } = schedule.definition;
      if (overlap.kind !== "cancel_running") continue;
      for (const runId of runsToCancel([...open, ...(change.insert ?? [])])) {
        await this.services.cancelRun(runId, `A later firing of the schedule "${id}" takes its place.`);
      }
    }
  }

  /** Another process may have the job: this one may be older than the schedule. */
  #isKnown({ definition, dueAt }: Schedule, now: Date): boolean {
    if (this.services.jobs.get(definition.job) !== undefined || dueAt === null) return true;
    return Math.abs(now.getTime() - dueAt.getTime()) >= Math.min(LEFT_TO_OTHERS_MS, definition.misfireGraceMs);
  }
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
