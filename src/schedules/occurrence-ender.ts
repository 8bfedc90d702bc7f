import { backfillOfKey } from "../model/occurrence-key.js";
import type { JobSubmitError } from "../model/submit-error.js";
import { isOpenOccurrence, type Occurrence } from "../model/occurrence.js";
import type { Schedule } from "../model/schedule.js";
import type { EndedRun, ScheduleChange } from "../ports/schedule-store.js";
import { followingTimes } from "./due-firings.js";
import { dueFirst } from "./due-first.js";
import { endBackfilled, type EndedOccurrence, endOccurrences, endOfRun, type OccurrenceEnd } from "./end-occurrence.js";
import type { ScheduleServices } from "./schedule-services.js";

/** An end is computed anew so often, when others change the schedule at the same time. The sweep tries again later. */
const TRIES = 20;

/** An occurrence whose run is to be submitted, and its schedule. */
export interface ToStart {
  readonly occurrence: Occurrence;
  readonly schedule: Schedule;
}

/** Brings what became of runs to their occurrences and schedules. Doing so twice changes nothing. */
export class OccurrenceEnder {
  constructor(private readonly services: ScheduleServices) {}

  /** @returns what had waited for these ends, and what was due before one of them paused its schedule. */
  async ended(ended: readonly EndedRun[]): Promise<readonly ToStart[]> {
    return this.#all(
      ended.map(({ occurrence, run }) => {
        if (run === null) return { occurrence, end: this.#without("its run was deleted") };
        // A run may end before anybody has noted that it was made.
        return { occurrence: { ...occurrence, runId: run.id }, end: endOfRun(run) };
      }),
    );
  }

  /** No runs could be made of them. @returns as {@link ended}. */
  async refused(
    refused: readonly { readonly occurrence: Occurrence; readonly error: JobSubmitError }[],
  ): Promise<readonly ToStart[]> {
    return this.#all(
      refused.map(({ occurrence, error: { code, message, hint, retryable } }) => {
        const error = { code, message, hint, retryable };
        return { occurrence, end: { ...this.#without("its run was refused"), error } };
      }),
    );
  }

  async #all(ends: readonly EndedOccurrence[]): Promise<readonly ToStart[]> {
    const { store, wake } = this.services;
    const toStart: ToStart[] = [];
    let left = groupsOf(ends);
    for (let tries = 0; left.length > 0 && tries < TRIES; tries += 1) {
      const steps = await this.#steps(left);
      const done = await store.advance(steps.map(({ change }) => change));
      // Nobody else tells of them that something else is due now, or soon.
      if (
        steps.some(
          ({ change: { schedule, backfill } }) => backfill !== undefined || (schedule && followsEnds(schedule)),
        )
      )
        wake();
      steps.forEach(({ change: { schedule, insert = [], update = [] } }, at) => {
        if (!done[at] || schedule === undefined) return;
        const now = [...insert, ...update.map(({ to }) => to)].filter(({ state }) => state === "scheduled");
        toStart.push(...now.map((occurrence) => ({ occurrence, schedule })));
      });
      if (steps.some(({ isLast }, at) => !isLast && done[at])) tries -= 1;
      left = groupsOf(await this.#stillOpen(left.filter((_, at) => !done[at] || !steps[at]?.isLast).flat()));
    }
    return toStart;
  }

  /** As they are now; left out are those that somebody else brought to their end, or started while they were refused here. */
  async #stillOpen(ends: readonly EndedOccurrence[]): Promise<readonly EndedOccurrence[]> {
    const found = await Promise.all(
      ends.map(async ({ occurrence: { key, runId }, end }) => {
        const occurrence = await this.services.store.getOccurrence(key);
        if (occurrence === undefined || !isOpenOccurrence(occurrence.state)) return [];
        if (runId === null && occurrence.runId !== null) return [];
        return [{ occurrence: { ...occurrence, runId: occurrence.runId ?? runId }, end }];
      }),
    );
    return found.flat();
  }

  async #steps(groups: readonly Group[]): Promise<readonly Step[]> {
    const { store, scheduler } = this.services;
    const ids = [...new Set(groups.map(([{ occurrence }]) => occurrence.scheduleId))];
    // First what the change is compared by: what others do from then on refuses it.
    const schedules = await store.getSchedules(ids);
    const [open, now] = await Promise.all([store.openOccurrences(ids), store.now()]);
    const byId = new Map(schedules.map((schedule) => [schedule.definition.id, schedule]));
    const openOf = new Map<string, Occurrence[]>(ids.map((id) => [id, []]));
    for (const one of open) if (one.cause !== "backfill") openOf.get(one.scheduleId)?.push(one);
    return Promise.all(
      groups.map(async (group) => {
        const [{ occurrence }] = group;
        if (occurrence.cause === "backfill") {
          const backfill = await store.getBackfill(backfillOfKey(occurrence.key) ?? "");
          return { change: endBackfilled(backfill, group), isLast: true };
        }
        const { scheduleId } = occurrence;
        const [schedule, open] = [byId.get(scheduleId), openOf.get(scheduleId) ?? []];
        const change = await endOccurrences(schedule, group, open, now, scheduler);
        const isPaused = schedule?.state === "active" && change.schedule?.state === "paused";
        // Of a definition at fault nothing can be told.
        const due = isPaused ? await dueFirst(schedule, open, now, scheduler).catch(() => undefined) : undefined;
        return { change: due ?? change, isLast: due === undefined };
      }),
    );
  }

  #without(reason: string): OccurrenceEnd {
    const at = new Date(this.services.runs.clock.now());
    return { state: "failed", at, reason, error: null, rowsWritten: null, durationMs: null };
  }
}

/** What is done next of a group of ends; not the last: what was due before they pause their schedule comes first. */
interface Step {
  readonly change: ScheduleChange;
  readonly isLast: boolean;
}

function followsEnds({ definition }: Schedule): boolean {
  return followingTimes(definition.times) !== undefined;
}

/** Ends that change the same schedule, or the same backfill: one change for all of them. */
type Group = readonly [EndedOccurrence, ...EndedOccurrence[]];

function groupsOf(ends: readonly EndedOccurrence[]): readonly Group[] {
  const groups = new Map<string, [EndedOccurrence, ...EndedOccurrence[]]>();
  for (const one of ends) {
    const { cause, key, scheduleId } = one.occurrence;
    const name = cause === "backfill" ? `backfill ${backfillOfKey(key) ?? ""}` : `schedule ${scheduleId}`;
    const group = groups.get(name);
    if (group) group.push(one);
    else groups.set(name, [one]);
  }
  return [...groups.values()];
}
