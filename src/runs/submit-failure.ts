import { ERROR_CODES, type ErrorPlane } from "../model/error-codes.js";
import { isJobError, JobError } from "../model/job-error.js";
import type { JobSubmitError } from "../model/submit-error.js";
import type { Redactor } from "./redactor.js";
import { INTERNAL } from "./run-services.js";

/** Whose failures are told: the job's name goes into them, and its secrets do not. */
export interface FailingSubmit {
  readonly jobName: string;
  readonly redactor: () => Redactor;
}

/** Runs a step that may throw anything, and types what it throws; once the signal is aborted, that is the reason. */
export async function typed<T>(subject: FailingSubmit, signal: AbortSignal, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw signal.aborted ? calledOff(subject.jobName) : submitError(error, subject);
  }
}

/** Whatever was thrown on the way to a pending run, as a value. */
export function submitError(error: unknown, { jobName, redactor }: FailingSubmit): JobSubmitError {
  const failure = redactor().hostError(error, INTERNAL, { jobName });
  if (isSubmitError(failure)) return failure;
  return new JobError("internal_error", { message: failure.message, hint: failure.hint, jobName });
}

/** What a submit rejected with, which {@link typed} has typed; anything else is a defect. */
export function asSubmitError(error: unknown): JobSubmitError {
  if (isSubmitError(error)) return error;
  return new JobError("internal_error", { message: "The submit ended in a defect", hint: INTERNAL.hint, cause: error });
}

/** Every code of the submit plane has its fields from the place that threw it, or from `submitError`. */
export function isSubmitError(error: unknown): error is JobSubmitError {
  if (!isJobError(error)) return false;
  const planes: readonly ErrorPlane[] = ERROR_CODES[error.code].planes;
  return planes.includes("submit");
}

export function calledOff(jobName: string): JobSubmitError {
  return new JobError("aborted", {
    message: "The submit was called off by its signal.",
    hint: "Nothing was stored. Submit again when it is wanted after all.",
    jobName,
  });
}
