import { causeChain, JobError } from "../../model/job-error.js";
import { runError } from "./engine-error.js";

/** Whether a file could not be attached only because somebody else has it open. */
export function isHeldElsewhere(thrown: unknown): boolean {
  return /Could not set lock on file|Unique file handle conflict/.test(causeChain(thrown));
}

/** Whether DuckDB has given an attached file up, as it does when a write to the disk fails in the middle. */
export function isInvalidated(thrown: unknown): boolean {
  return /has been invalidated/.test(causeChain(thrown));
}

export function fileHeld(path: string, waitMs: number, cause?: unknown): JobError<"connection_unavailable"> {
  const text = cause === undefined ? "" : causeChain(cause);
  const isOwn = /Unique file handle conflict/.test(text);
  const holder = isOwn ? "another connection of this process" : /held in (.+?\(PID \d+\))/.exec(text)?.[1];
  return new JobError("connection_unavailable", {
    message: `The DuckDB file "${path}" was held by ${holder ?? "somebody else"} for ${waitMs} ms.`,
    hint: "A DuckDB file is open in one process at a time. Try again when it is free, or raise lockWaitMs of duckdb().",
    retryable: true,
    cause,
  });
}

export function fileMissing(path: string): JobError<"connection_unavailable"> {
  return new JobError("connection_unavailable", {
    message: `There is no DuckDB file "${path}".`,
    hint: "Check its path, and that its folder is there.",
    retryable: false,
  });
}

/** Neither our lock nor DuckDB's sees that two hard links are one file: each writer would undo the other's rows. */
export function fileOfManyNames(path: string): JobError<"connection_unavailable"> {
  return new JobError("connection_unavailable", {
    message: `The DuckDB file "${path}" has other hard links, by which it could be written at the same time.`,
    hint: "Remove the other links, or copy the file. Symbolic links do no harm.",
    retryable: false,
  });
}

/** For what DuckDB says of a file that it cannot attach. */
export function fileUnusable(path: string, thrown: unknown): JobError {
  const cause = runError(thrown);
  if (cause.code !== "query_failed") return cause;
  const { message } = cause;
  return new JobError("connection_unavailable", {
    message: `The DuckDB file "${path}" cannot be opened: ${message}`,
    hint: hintFor(message),
    retryable: false,
    cause: thrown,
  });
}

function hintFor(message: string): string {
  if (/version number|storage version|newer version/i.test(message)) {
    return "It was written by another version of DuckDB. Export it with that version, or upgrade Millrace.";
  }
  if (/not a valid DuckDB/i.test(message)) return "Name a DuckDB file, or move this one out of the way.";
  return "Check its path, and that this process may write the file and its folder.";
}
