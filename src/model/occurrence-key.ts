/** The same whoever computes it: it makes one occurrence, and one run, of a firing. */
export function occurrenceKey(scheduleId: string, nominal: Date): string {
  return `${scheduleId}@${nominal.toISOString()}`;
}

export function manualKey(scheduleId: string, request: string): string {
  return `${scheduleId}!${request}`;
}

export function backfillKey(scheduleId: string, nominal: Date, backfillId: string): string {
  return `${occurrenceKey(scheduleId, nominal)}#${backfillId}`;
}

const PREFIX = "schedule/";

/** The idempotency key of an occurrence's run. */
export function runKey(occurrence: string): string {
  return PREFIX + occurrence;
}

/** The occurrence of which a run was made; undefined: of none. */
export function occurrenceOfRunKey(idempotencyKey: string | null): string | undefined {
  return idempotencyKey?.startsWith(PREFIX) ? idempotencyKey.slice(PREFIX.length) : undefined;
}

/** The backfill that made an occurrence; undefined: none did. */
export function backfillOfKey(key: string): string | undefined {
  const at = key.lastIndexOf("#");
  return at === -1 ? undefined : key.slice(at + 1);
}
