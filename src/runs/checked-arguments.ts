import { constants } from "node:os";
import { LARGEST_PRIORITY, LONGEST_WAIT_MS } from "../jobs/read-execution.js";
import { kindOf } from "../jobs/plain-value.js";
import { JobError } from "../model/job-error.js";
import type { RunQuery } from "../model/run.js";
import type { BulkItem, BulkOptions } from "./bulk-submission.js";
import type { RedriveManyOptions, RedriveOptions } from "./redrive.js";
import type { EventsOptions } from "./run-events.js";
import { ABORT_SIGNAL, optionFault, VALID_DATE, wholeNumber, type OptionRule } from "./option-check.js";

/**
 * Arguments of the calls that throw, which a host in plain JavaScript may get wrong. Each gives back what it was given.
 *
 * @throws JobError `invalid_definition`, naming the argument in `field`.
 */
export function checkedRunId(id: unknown): string {
  return text("id", id);
}

/** @param argument what `field` names. @throws JobError `invalid_definition`. */
export function checkedName(argument: string, name: unknown): string {
  return text(argument, name);
}

/** Null counts as left out. @throws JobError `invalid_definition`. */
export function checkedReason(reason: unknown): string | null {
  return reason === undefined || reason === null ? null : text("reason", reason);
}

interface SignalOption {
  readonly signal?: AbortSignal;
}

interface StopArguments {
  readonly timeoutMs?: number;
  readonly mode?: "drain" | "cancel";
}

const TEXT: OptionRule = { fits: (value) => typeof value === "string", wanted: "a text" };

/** The values of `limit`, `status` and `cursor` are the store's to check. @throws JobError `invalid_definition`. */
export function checkedRunQuery(query: RunQuery | undefined): RunQuery {
  return checked<RunQuery>("query", query === undefined ? {} : query, {
    jobName: TEXT,
    status: {
      fits: (value) => [value].flat().every((status) => typeof status === "string"),
      wanted: "a status or an array of them",
    },
    limit: { fits: (value) => typeof value === "number", wanted: "a number" },
    cursor: TEXT,
  });
}

/** @throws JobError `invalid_definition`. */
export function checkedEventsOptions(options: EventsOptions | undefined): EventsOptions {
  return checked<EventsOptions>("options", options === undefined ? {} : options, {
    after: wholeNumber(0, Number.MAX_SAFE_INTEGER),
    signal: ABORT_SIGNAL,
  });
}

/** Of `result`. @throws JobError `invalid_definition`. */
export function checkedResultOptions(options: SignalOption | undefined): SignalOption {
  return checked<SignalOption>("options", options === undefined ? {} : options, { signal: ABORT_SIGNAL });
}

/** @throws JobError `invalid_definition`. */
export function checkedStopOptions(options: StopArguments | undefined): StopArguments {
  return checked<StopArguments>("options", options === undefined ? {} : options, {
    timeoutMs: wholeNumber(0, LONGEST_WAIT_MS, "a whole number of milliseconds"),
    mode: { fits: (mode) => mode === "drain" || mode === "cancel", wanted: '"drain" or "cancel"' },
  });
}

/** @throws JobError `invalid_definition`. */
export function checkedSignals(signals: readonly NodeJS.Signals[]): readonly NodeJS.Signals[] {
  const { signals: all } = checked("options", { signals }, { signals: SIGNALS });
  return all;
}

const SIGNALS: OptionRule = {
  fits: (signals) => Array.isArray(signals) && signals.every(canBeHeard),
  wanted: "an array of signals that a process can listen to, such as SIGTERM",
};

function canBeHeard(signal: unknown): boolean {
  if (signal === "SIGKILL" || signal === "SIGSTOP") return false;
  return typeof signal === "string" && Object.hasOwn(constants.signals, signal);
}

const MOST_REDRIVEN = 10_000;

/** @throws JobError `invalid_definition`. */
export function checkedRedriveOptions(options: RedriveOptions | undefined): RedriveOptions {
  return checked<RedriveOptions>("options", options === undefined ? {} : options, {
    priority: wholeNumber(-LARGEST_PRIORITY, LARGEST_PRIORITY),
    runAt: VALID_DATE,
  });
}

/** The cursor's text is the store's to check. @throws JobError `invalid_definition`. */
export function checkedRedriveManyOptions(options: RedriveManyOptions | undefined): RedriveManyOptions {
  return checked<RedriveManyOptions>("options", options === undefined ? {} : options, {
    jobName: TEXT,
    limit: wholeNumber(1, MOST_REDRIVEN, "a number of runs"),
    cursor: TEXT,
  });
}

/** @throws JobError `invalid_definition`. */
export function checkedBulk(items: readonly BulkItem[], options: BulkOptions | undefined): BulkOptions {
  if (!Array.isArray(items)) refuse("items", `must be an array, not ${kindOf(items)}`);
  return checked<BulkOptions>("options", options === undefined ? {} : options, { signal: ABORT_SIGNAL });
}

function checked<T extends object>(argument: string, given: T, rules: Readonly<Record<string, OptionRule>>): T {
  const fault = optionFault(given, rules);
  if (fault === null) return given;
  refuse(fault.option === null ? argument : `${argument}.${fault.option}`, fault.message);
}

function text(argument: string, given: unknown): string {
  if (typeof given === "string") return given;
  refuse(argument, `must be a text, not ${kindOf(given)}`);
}

function refuse(field: string, message: string): never {
  throw new JobError("invalid_definition", {
    message: `The argument ${field} ${message}.`,
    hint: "Nothing was done. Correct the call.",
    field,
  });
}
