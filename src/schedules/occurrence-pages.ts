import { JobError } from "../model/job-error.js";
import type { Occurrence } from "../model/occurrence.js";
import type { OccurrencePage } from "../ports/schedule-store.js";
import { isInstant } from "./instant-range.js";

/** The cursor of the page after this occurrence. */
export function cursorAfter({ nominalAt, key }: Occurrence): string {
  return Buffer.from(JSON.stringify([nominalAt.getTime(), key])).toString("base64url");
}

/** @throws JobError `invalid_definition`. */
export function pageStart(cursor: string): NonNullable<OccurrencePage["before"]> {
  try {
    const [time, key] = JSON.parse(Buffer.from(cursor, "base64url").toString()) as readonly unknown[];
    if (typeof time === "number" && isInstant(time) && Number.isInteger(time) && typeof key === "string") {
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
