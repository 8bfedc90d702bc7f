import type { Occurrence } from "../model/occurrence.js";
import type { Schedule } from "../model/schedule.js";
import type { ScheduleChange } from "../ports/schedule-store.js";
import { checkedName } from "../runs/checked-arguments.js";
import type { OccurrenceStarter } from "./occurrence-starter.js";
import { scheduleBusy, unknownSchedule } from "./schedule-errors.js";
import type { ScheduleServices } from "./schedule-services.js";

/** A change is computed anew so often, when others change the schedule at the same time. */
export const TRIES = 50;

/** What becomes of a schedule; null: it stays as it is. */
type Decide = (
  schedule: Schedule,
  now: Date,
  open: readonly Occurrence[],
) => ScheduleChange | Promise<ScheduleChange | null> | null;

/** Reads a schedule of a ledger that others change, too, and changes it. */
export class ScheduleActs {
  constructor(
    private readonly services: ScheduleServices,
    private readonly starter: OccurrenceStarter,
  ) {}

  /** @throws JobError `unknown_schedule`, `invalid_definition` for what is no id. */
  async schedule(id: string): Promise<Schedule> {
    const [found] = await this.services.store.getSchedules([checkedName("id", id)]);
    if (found === undefined) throw unknownSchedule(id);
    return found;
  }

  /** A change that fires something is followed by another one, and what it fired is started. @throws as {@link schedule}. */
  async change(id: string, decide: Decide): Promise<Schedule> {
    const { store } = this.services;
    const fired: Occurrence[] = [];
    for (let tries = 0; tries < TRIES; tries += 1) {
      const schedule = await this.schedule(id);
      const [open, now] = await Promise.all([store.openOccurrences([id]), store.now()]);
      const own = open.filter(({ cause }) => cause !== "backfill");
      const changed = await decide(schedule, now, own);
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
}
