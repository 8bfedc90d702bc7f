import { JobError } from "../model/job-error.js";
import type { Occurrence } from "../model/occurrence.js";
import type { OccurrencePage } from "../ports/schedule-store.js";

const LARGEST_LIMIT = 1_000;

/** @throws JobError `invalid_definition`. */
export function checkedLimit(limit: number): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= LARGEST_LIMIT) return limit;
  throw new JobError("invalid_definition", {
    message: `${limit} is not a number of entries.`,
    hint: `Ask for 1 to ${LARGEST_LIMIT}, and page on.`,
    field: "limit",
  });
}

/** The cursor of the page after this occurrence. */
export function cursorAfter({ nominalAt, key }: Occurrence): string {
  return Buffer.from(JSON.stringify([nominalAt.getTime(), key])).toString("base64url");
}

/** @throws JobError `invalid_definition`. */
export function pageStart(cursor: string): NonNullable<OccurrencePage["before"]> {
  try {
    const [time, key] = JSON.parse(Buffer.from(cursor, "base64url").toString()) as readonly unknown[];
    if (typeof time === "number" && Number.isSafeInteger(time) && typeof key === "string") {
      return { nominalAt: new Date(time), key };
    }
  } catch {
    // As below.
  }
  throw new JobError("invalid_definition", {
    message: "The cursor is not one of this ledger's pages.",
    hint: "Pass on nextCursor of the page before, unchanged.",
    field: "cursor",
  });
}
