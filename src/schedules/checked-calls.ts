import { isDeepStrictEqual, types } from "node:util";
import { DefinitionFields } from "../jobs/definition-fields.js";
import { DefinitionProblems } from "../jobs/definition-problems.js";
import { isJobError, JobError } from "../model/job-error.js";
import { OCCURRENCE_STATES } from "../model/occurrence.js";
import type { ScheduleDefinition } from "../model/schedule.js";
import type { FiringTimes } from "../model/trigger.js";
import { ABORT_SIGNAL, optionFault, VALID_DATE, wholeNumber, type OptionRule } from "../runs/option-check.js";
import type { BackfillOptions } from "./backfills.js";
import { scheduleFromSpec } from "./define-schedule.js";
import { checkedInstant, isInstant } from "./instant-range.js";
import { readFiringTimes } from "./read-triggers.js";
import type { OccurrenceQuery } from "./schedules.js";
import type { ScheduleSpec } from "./schedule-spec.js";
import { specOfSchedule, specOfTimes } from "./spec-of-schedule.js";

/**
 * Arguments of calls on schedules, which a host in plain JavaScript may get wrong. Each gives back a copy, so that no getter
 * and no later change of the caller's is met.
 *
 * @throws JobError `invalid_definition`, naming the argument or the option in `field`.
 */
export function checkedDefinition(definition: ScheduleDefinition): ScheduleDefinition {
  return read("definition", NO_DEFINITION, () => {
    const copy = scheduleFromSpec(specOfSchedule(definition));
    // Parts that are none must not give way to defaults. The hash may be that of the definition which this one was made from.
    if (!isDeepStrictEqual({ ...copy }, { ...definition, hash: copy.hash })) refuse("definition", NO_DEFINITION);
    return copy;
  });
}

/** Of a definition, or of anything that has its times. @throws as {@link checkedDefinition}. */
export function checkedTimes(definition: Pick<ScheduleDefinition, "times">): FiringTimes {
  return read("definition", NO_DEFINITION, () => {
    const problems = new DefinitionProblems();
    const times = readFiringTimes(
      new DefinitionFields(specOfTimes(definition.times), "", undefined, problems),
      problems,
    );
    problems.throwIfAny({ kind: "schedule", name: undefined });
    return times;
  });
}

const NO_DEFINITION = "must be what defineSchedule or loadSchedules made";

const LARGEST_LIMIT = 1_000;
const MOST_AT_ONCE = 1_000;
const ANYTHING: OptionRule = { fits: () => true, wanted: "anything" };
const TEXT: OptionRule = { fits: (value) => typeof value === "string", wanted: "a text" };
const LIMIT = wholeNumber(1, LARGEST_LIMIT, "a number of entries");
const STATE: OptionRule = {
  fits: (value) => [value].flat().every((state) => OCCURRENCE_STATES.some((known) => known === state)),
  wanted: `${OCCURRENCE_STATES.join(", ")}, or an array of them`,
};
const INSTANT: OptionRule = {
  fits: (value) => types.isDate(value) && isInstant(timeOf(value)),
  wanted: "a Date of the years 100 to 9999",
};

export interface SchedulePage {
  /** The id before the first one. */
  readonly after?: string;
  /** Default 50, at most 1,000. */
  readonly limit?: number;
}

export interface BackfillPage {
  readonly scheduleId?: string;
  /** Default 50, at most 1,000. */
  readonly limit?: number;
}

export function checkedSchedulePage(page: SchedulePage): SchedulePage {
  return checked("page", page, { after: TEXT, limit: LIMIT });
}

export function checkedBackfillPage(page: BackfillPage): BackfillPage {
  return checked("page", page, { scheduleId: TEXT, limit: LIMIT });
}

export function checkedOccurrenceQuery(query: OccurrenceQuery): OccurrenceQuery {
  return checked("query", query, { state: STATE, limit: LIMIT, cursor: TEXT });
}

/** The overlap is `overlapOf`'s to check. */
export function checkedTriggerOptions(options: { readonly overlap?: ScheduleSpec["overlap"] }): typeof options {
  return checked("options", options, { overlap: ANYTHING });
}

export function checkedResult(options: { readonly signal?: AbortSignal }): typeof options {
  return checked("options", options, { signal: ABORT_SIGNAL });
}

export function checkedBackfillOptions(options: BackfillOptions): Required<BackfillOptions> {
  const given = checked("options", options, {
    from: INSTANT,
    to: INSTANT,
    order: oneOf("oldest_first", "newest_first"),
    concurrency: wholeNumber(1, MOST_AT_ONCE),
    reprocess: oneOf("none", "failed", "all"),
  });
  const { from, to, order = "oldest_first", concurrency = 1, reprocess = "none" } = given as Partial<BackfillOptions>;
  if (from === undefined) refuse("from", "is missing");
  if (to === undefined || timeOf(to) <= timeOf(from)) refuse("to", "must be a Date later than from");
  return { from: new Date(timeOf(from)), to: new Date(timeOf(to)), order, concurrency, reprocess };
}

export function checkedCount(count: number): number {
  if (!LIMIT.fits(count)) refuse("count", `must be ${LIMIT.wanted}`);
  return count;
}

/** @returns milliseconds since 1970 UTC; undefined: none was given. */
export function checkedAfter(after: Date | undefined): number | undefined {
  const { after: given } = checked<{ after?: Date }>("arguments", after === undefined ? {} : { after }, {
    after: VALID_DATE,
  });
  return given && checkedInstant(timeOf(given), "after");
}

function oneOf(...choices: readonly string[]): OptionRule {
  return {
    fits: (value) => choices.some((one) => one === value),
    wanted: choices.map((one) => `"${one}"`).join(" or "),
  };
}

/** Whatever else the host's object says of itself. */
function timeOf(date: Date): number {
  return Date.prototype.getTime.call(date);
}

function checked<T extends object>(argument: string, given: T, rules: Readonly<Record<keyof T, OptionRule>>): T {
  const { copy, fault } = read(argument, "cannot be read", () => {
    const copy = typeof given === "object" && given !== null && !Array.isArray(given) ? copyOf(given, rules) : given;
    return { copy, fault: optionFault(copy, rules) };
  });
  if (fault !== null) refuse(fault.option ?? argument, fault.message);
  return copy;
}

/** What is inherited counts, too; each is looked at once. */
function copyOf<T extends object>(given: T, rules: object): T {
  const names = new Set([...Object.keys(rules), ...Object.keys(given)]);
  const entries = [...names].map((name) => [name, Reflect.get(given, name) as unknown] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as T;
}

/** What a getter or a proxy throws is no error of ours. */
function read<T>(argument: string, problem: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (isJobError(error)) throw error;
    refuse(argument, problem);
  }
}

function refuse(field: string, message: string): never {
  throw new JobError("invalid_definition", {
    message: `The argument ${field} ${message}.`,
    hint: "Nothing was done. Correct the call.",
    field,
  });
}
