import { JobError } from "./job-error.js";
import { isRunStatus, type RunStatus } from "./run-status.js";
import type { RunQuery } from "./run.js";

const DEFAULT_LIMIT = 50;
const LARGEST_LIMIT = 1_000;

/** A {@link RunQuery}, checked. Stores number runs in the order of their making: that number is the key of a page. */
export interface RunPageRequest {
  readonly jobName: string | undefined;
  /** Undefined: all. */
  readonly statuses: readonly RunStatus[] | undefined;
  readonly limit: number;
  /** Only runs of a smaller number. */
  readonly before: number;
}

/** Throws `invalid_definition` naming the field that is none. */
export function runPageRequest({ jobName, status, limit = DEFAULT_LIMIT, cursor }: RunQuery): RunPageRequest {
  if (!Number.isInteger(limit) || limit < 1 || limit > LARGEST_LIMIT) {
    throw invalid(
      "limit",
      `${limit} is not a number of runs.`,
      `Ask for 1 to ${LARGEST_LIMIT} runs, and page on with the cursor.`,
    );
  }
  const statuses = typeof status === "string" ? [status] : status;
  const unknown = statuses?.find((asked) => !isRunStatus(asked));
  if (unknown !== undefined) {
    throw invalid("status", `${JSON.stringify(unknown)} is not a run's status.`, "The statuses are in RUN_STATUSES.");
  }
  const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : numberOf(cursor);
  return { jobName, statuses: statuses && [...new Set(statuses)], limit, before };
}

/** The cursor of the page after the run of this number. */
export function runCursor(number: number): string {
  return btoa(String(number)).replaceAll("=", "");
}

function numberOf(cursor: string): number {
  // Decimal digits in base64 use neither `+` nor `/`: the plain and the URL-safe alphabet agree.
  const number = /^[A-Za-z0-9]{2,22}$/.test(cursor) && cursor.length % 4 !== 1 ? Number(atob(cursor)) : NaN;
  if (Number.isSafeInteger(number) && number > 0 && runCursor(number) === cursor) return number;
  throw invalid(
    "cursor",
    "The cursor is not one of this ledger's pages.",
    "Pass on nextCursor of the page before, unchanged.",
  );
}

function invalid(field: string, message: string, hint: string): JobError {
  return new JobError("invalid_definition", { field, message, hint });
}
