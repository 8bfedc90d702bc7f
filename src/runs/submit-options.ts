import { keyProblem, LONGEST_KEY } from "../jobs/concurrency-key.js";
import { LARGEST_PRIORITY, LONGEST_WAIT_MS } from "../jobs/read-execution.js";
import { JobError } from "../model/job-error.js";
import { ABORT_SIGNAL, optionFault, VALID_DATE, wholeNumber, type OptionRule } from "./option-check.js";
import { isReservedKey } from "./reserved-keys.js";

/** How one submit differs from its job. */
export interface SubmitOptions {
  /** Aborting it calls the submit off, and, when the run is stored already, cancels the run. */
  readonly signal?: AbortSignal;
  /**
   * A second submit with the same key gives the first one's run; with another job or other parameters,
   * `idempotency_conflict`. At most 400 characters. Those that begin with `schedule/` or `redrive:` are the engine's own, and
   * refused; `Schedule/`, `schedules/` and `redrive-` begin otherwise.
   */
  readonly idempotencyKey?: string;
  /** Higher starts first. Default: the job's `execution.priority`. */
  readonly priority?: number;
  /** Not to be started before. */
  readonly runAt?: Date;
  /** The run fails with `start_deadline_passed` when no attempt has begun by then. */
  readonly startDeadline?: Date;
  /** In milliseconds; 0 means none. Default: the job's `execution.timeoutMs`. */
  readonly timeoutMs?: number;
  /** Runs with the same key take turns. Default: the job's `execution.concurrencyKey` with the run's values in it. */
  readonly concurrencyKey?: string;
}

const KEY: OptionRule = {
  fits: (key) => keyProblem(key) === undefined,
  wanted: `a text of 1 to ${LONGEST_KEY} characters`,
};

const SUBMIT_OPTIONS: Readonly<Record<keyof SubmitOptions, OptionRule>> = {
  signal: ABORT_SIGNAL,
  idempotencyKey: KEY,
  priority: wholeNumber(-LARGEST_PRIORITY, LARGEST_PRIORITY),
  runAt: VALID_DATE,
  startDeadline: VALID_DATE,
  timeoutMs: wholeNumber(0, LONGEST_WAIT_MS, "a whole number of milliseconds"),
  concurrencyKey: KEY,
};

/** A copy, which no later change of the caller's reaches. What is no object stays as it is, to be refused. */
export function copiedOptions(options: SubmitOptions): SubmitOptions {
  return typeof options === "object" && options !== null && !Array.isArray(options) ? { ...options } : options;
}

/** What is wrong with the options of a submit: `invalid_parameter`, naming the option in `field`; null when all is well. */
export type SubmitOptionsFault = (options: SubmitOptions, jobName: string) => JobError<"invalid_parameter"> | null;

/** Of a host's submit. */
export const submitOptionsFault: SubmitOptionsFault = (options, jobName) => {
  const fault = engineOptionsFault(options, jobName);
  if (fault !== null || !isReservedKey(options.idempotencyKey ?? "")) return fault;
  return new JobError("invalid_parameter", {
    message:
      "The submit option idempotencyKey begins as the keys of firings and redrives do, whose place its run would take.",
    hint: "Nothing was submitted. Begin it neither with schedule/ nor with redrive:, for instance by a name of your own.",
    field: "options.idempotencyKey",
    jobName,
    parameters: [],
  });
};

/** Of a submit that the engine makes itself. */
export const engineOptionsFault: SubmitOptionsFault = (options, jobName) => {
  return optionsFault("submit", options, SUBMIT_OPTIONS, jobName);
};

/** The first fault of a call's options as a refused submit tells it. */
export function optionsFault(
  call: string,
  options: unknown,
  rules: Readonly<Record<string, OptionRule>>,
  jobName: string,
): JobError<"invalid_parameter"> | null {
  const fault = optionFault(options, rules);
  if (fault === null) return null;
  const { option, message } = fault;
  return new JobError("invalid_parameter", {
    message: `The ${call} ${option === null ? "options" : `option ${option}`} ${message}.`,
    hint: "Nothing was submitted. Correct the option.",
    field: option === null ? "options" : `options.${option}`,
    jobName,
    parameters: [],
  });
}
