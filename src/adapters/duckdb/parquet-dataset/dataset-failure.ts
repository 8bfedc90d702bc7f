import { causeChain, isJobError, JobError } from "../../../model/job-error.js";
import { hasCode } from "./disk.js";

/** What went wrong while a dataset was written, in words. */
export function writeFailure(error: unknown, folder: string): unknown {
  if (isJobError(error) || !isSystemError(error)) return error;
  const isFull = hasCode(error, "ENOSPC", "EDQUOT");
  return new JobError("destination_failed", {
    message: `The dataset at ${folder} could not be written: ${causeChain(error)}.`,
    hint: isFull
      ? "Free disk space. What was staged was removed again."
      : "Check that the folder above it is there, and that its disk can be written and knows hard links.",
    cause: error,
  });
}

/** What keeps a dataset from being read, or from what its host asks of it, in words. */
export function readFailure(error: unknown, folder: string): unknown {
  if (isJobError(error) || !isSystemError(error)) return error;
  return new JobError("connection_unavailable", {
    message: `The dataset at ${folder} cannot be used: ${causeChain(error)}.`,
    hint: "Check its path and its permissions.",
    cause: error,
  });
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}
