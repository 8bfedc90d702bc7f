import { JobError } from "../model/job-error.js";

/** How one submit differs from its job. */
export interface SubmitOptions {
  /** Aborting it calls the submit off, and, when the run is stored already, cancels the run. */
  readonly signal?: AbortSignal;
  /** A second submit with the same key gives the first one's run; with other parameters, `idempotency_conflict`. */
  readonly idempotencyKey?: string;
  /** Higher starts first. Default: the job's `execution.priority`. */
  readonly priority?: number;
  /** Not to be started before. */
  readonly runAt?: Date;
  /** The run fails with `start_deadline_passed` when no attempt has begun by then. */
  readonly startDeadline?: Date;
  /** In milliseconds; 0 means none. Default: the job's `execution.timeoutMs`. */
  readonly timeoutMs?: number;
}

/** @throws JobError `invalid_parameter`, naming the option in `field`. */
export function checkSubmitOptions(options: SubmitOptions): void {
  const { idempotencyKey, priority, runAt, startDeadline, timeoutMs } = options;
  check("idempotencyKey", idempotencyKey, (key) => typeof key === "string" && key !== "", "a text that is not empty");
  check("priority", priority, (value) => Number.isSafeInteger(value), "a whole number");
  check("runAt", runAt, isValidDate, "a valid Date");
  check("startDeadline", startDeadline, isValidDate, "a valid Date");
  check(
    "timeoutMs",
    timeoutMs,
    (value) => Number.isSafeInteger(value) && value >= 0,
    "a whole number of milliseconds, 0 for none",
  );
}

function isValidDate(value: Date): boolean {
  return value instanceof Date && !Number.isNaN(value.getTime());
}

function check<T>(field: string, value: T | undefined, fits: (value: T) => boolean, wanted: string): void {
  if (value === undefined || fits(value)) return;
  throw new JobError("invalid_parameter", {
    message: `The submit option ${field} must be ${wanted}.`,
    hint: "Nothing was submitted. Correct the option.",
    field: `options.${field}`,
    parameters: [],
  });
}
