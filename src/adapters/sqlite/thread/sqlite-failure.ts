import type { ErrorCode } from "../../../model/error-codes.js";
import { isJobError, JobError, type JobErrorJson } from "../../../model/job-error.js";
import { sqliteCode } from "./lock-wait.js";
import type { ThreadRequest } from "./thread-messages.js";

type Failed = "destination_failed" | "query_failed";

/** What has failed when a request of this kind fails, where nothing says more. */
export function failureOf(request: ThreadRequest["do"]): Failed {
  return READING.has(request) ? "query_failed" : "destination_failed";
}

const READING: ReadonlySet<ThreadRequest["do"]> = new Set(["tables", "columns", "explain", "look", "plan", "scan"]);

/** An error as plain data: one that crosses threads loses its class. */
export type PlainFailure = JobErrorJson;

/** Names what went wrong in words of Millrace. SQLite's messages hold names of tables and columns, but no values. */
export function plainFailure(error: unknown, path: string, failed: Failed): PlainFailure {
  if (isJobError(error)) return error.toJSON();
  const message = error instanceof Error ? error.message : String(error);
  const sqlite = sqliteCode(error);
  if (sqlite === undefined) {
    return {
      code: "internal_error",
      message,
      hint: "Report this as a defect of the SQLite adapter.",
      retryable: false,
    };
  }
  const [code, hint, retryable] = diagnosis(sqlite, failed);
  return { code, message: `SQLite file "${path}": ${message} (${sqlite})`, hint, retryable };
}

export function thrownFailure({ code, message, ...rest }: PlainFailure): JobError {
  return new JobError(code, { message, ...rest });
}

function diagnosis(sqlite: string, failed: Failed): readonly [ErrorCode, hint: string, retryable: boolean] {
  // Extended codes begin with the primary one: SQLITE_CONSTRAINT_UNIQUE.
  switch (sqlite.split("_", 2)[1]) {
    case "BUSY":
    case "LOCKED":
      return ["connection_unavailable", "Another process holds the file's lock; try again when it is done.", true];
    case "CANTOPEN":
      return ["connection_unavailable", "Check the path, its folder and their rights.", false];
    case "NOTADB":
    case "CORRUPT":
      return ["connection_unavailable", "Restore the file from a backup, or name another.", false];
    case "READONLY":
    case "PERM":
    case "AUTH":
      return [failed, "Give this process the right to write the file and its folder.", false];
    case "FULL":
      return [failed, "Free some disk space, or raise the file's max_page_count.", true];
    case "CONSTRAINT":
    case "MISMATCH":
      return [failed, "Make the query's rows meet the table's constraints.", false];
    case "TOOBIG":
      return [failed, "Shorten the value; SQLite's limit is 1,000,000,000 bytes for a row.", false];
    default:
      return [failed, "See SQLite's result code in the message.", true];
  }
}
