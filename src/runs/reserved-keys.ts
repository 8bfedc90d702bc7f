import { occurrenceOfRunKey } from "../model/occurrence-key.js";

const REDRIVE = "redrive:";

/** The idempotency key of the run that repeats this one. */
export function redriveKey(runId: string): string {
  return REDRIVE + runId;
}

/** Whether only the engine makes keys like this one: a host's run with it would stand in the place of a firing or a redrive. */
export function isReservedKey(idempotencyKey: string): boolean {
  return occurrenceOfRunKey(idempotencyKey) !== undefined || idempotencyKey.startsWith(REDRIVE);
}
