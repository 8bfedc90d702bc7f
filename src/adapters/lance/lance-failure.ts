import { causeChain, isJobError, JobError } from "../../model/job-error.js";
import { firstLine } from "./lance-folder.js";

/** What Lance rejects a commit with, as an error that says what to do. */
export function commitFailure(table: string, cause: unknown): JobError {
  if (isJobError(cause)) return cause;
  const text = firstLine(causeChain(cause));
  return new JobError("destination_failed", {
    message: `The commit to the Lance table "${table}" failed and left nothing: ${text}`,
    hint: /no space left|storage full|os error 28/i.test(causeChain(cause))
      ? "Free disk space, and run the job again."
      : "Lance's own message says why.",
    table,
    cause,
  });
}

/** Told before anything is visible. */
export function commitTooLarge(maxBytes: number): JobError {
  return new JobError("destination_failed", {
    message: `The result takes more than the ${maxBytes} bytes that one commit to Lance may hold; nothing was written.`,
    hint: "Split the job into smaller ones, or raise maxCommitBytes: a commit takes about three times as much memory.",
    retryable: false,
    field: "maxCommitBytes",
  });
}
