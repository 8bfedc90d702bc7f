import { JobError } from "../model/job-error.js";

/** `Date.UTC`, with which days are reckoned, takes years before for those from 1900 on. */
const FIRST = Date.parse("0100-01-01T00:00:00Z");
/** Later years have more than four digits, and times that are reckoned on from the last ones are none. */
const LAST = Date.parse("9999-12-31T23:59:59.999Z");

/** Whether firings can be reckoned from a time, in milliseconds since 1970 UTC. */
export function isInstant(time: number): boolean {
  return time >= FIRST && time <= LAST;
}

/** @throws JobError `invalid_definition`. */
export function checkedInstant(time: number, field: string): number {
  if (isInstant(time)) return time;
  throw new JobError("invalid_definition", {
    message: `${field} is no Date of the years 100 to 9999.`,
    hint: "Look at what it was made of: an invalid Date is one, too.",
    field,
  });
}
