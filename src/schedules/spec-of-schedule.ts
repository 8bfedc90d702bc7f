import type { ScheduleDefinition } from "../model/schedule.js";
import type { ExcludedTimes, FiringTimes, Trigger } from "../model/trigger.js";
import type { ExclusionSpec, ScheduleSpec, TriggerSpec } from "./schedule-spec.js";

/** A schedule as one would write it, in plain JSON: `defineSchedule` of it gives the same definition. */
export function specOfSchedule(definition: ScheduleDefinition): ScheduleSpec {
  const { times, timeParameters, parameters, description, createdBy, pauseAfterFailures, maxFirings } = definition;
  return {
    id: definition.id,
    ...(description !== null && { description }),
    ...specOfTimes(times),
    job: definition.job,
    ...(Object.keys(parameters).length > 0 && { params: parameters }),
    ...(Object.keys(timeParameters).length > 0 && { times: timeParameters }),
    overlap: definition.overlap.kind === "buffer_all" ? definition.overlap : definition.overlap.kind,
    catchUp: definition.catchUp.kind === "all" ? definition.catchUp : definition.catchUp.kind,
    misfireGraceMs: definition.misfireGraceMs,
    jitterMs: definition.jitterMs,
    ...(pauseAfterFailures !== null && { pauseAfterFailures }),
    ...(maxFirings !== null && { maxFirings }),
    startImmediately: definition.startImmediately,
    ...(createdBy !== null && { createdBy }),
  };
}

export function specOfTimes(times: FiringTimes): Pick<ScheduleSpec, "trigger" | "exclude" | "startAt" | "endAt"> {
  const [first, ...others] = times.triggers.map(specOfTrigger);
  return {
    trigger: others.length === 0 && first ? first : [first!, ...others],
    ...(times.exclude.length > 0 && { exclude: times.exclude.map(specOfExclusion) }),
    ...(times.startAt !== null && { startAt: instant(times.startAt) }),
    ...(times.endAt !== null && { endAt: instant(times.endAt) }),
  };
}

function specOfTrigger(trigger: Trigger): TriggerSpec {
  switch (trigger.kind) {
    case "cron": {
      const { expression, timeZone, gap, overlap } = trigger;
      return { cron: expression, timeZone, gap, overlap };
    }
    case "interval": {
      const { everyMs, from, anchor } = trigger;
      return { everyMs, ...(from === "anchor" && { anchor: instant(anchor) }) };
    }
    case "once":
      return { at: instant(trigger.at) };
  }
}

function specOfExclusion(excluded: ExcludedTimes): ExclusionSpec {
  switch (excluded.kind) {
    case "dates":
      return { dates: excluded.dates, timeZone: excluded.timeZone };
    case "cron":
      return { cron: excluded.expression, timeZone: excluded.timeZone };
    case "range":
      return { from: instant(excluded.from), to: instant(excluded.to) };
  }
}

function instant(time: number): string {
  return new Date(time).toISOString();
}
