import { expect } from "vitest";
import type { Backfill } from "../../src/model/backfill.js";
import type { Occurrence } from "../../src/model/occurrence.js";
import type { Schedule } from "../../src/model/schedule.js";
import type { JobStore } from "../../src/ports/job-store.js";
import type { Logger } from "../../src/ports/logger.js";
import type { ScheduleStore } from "../../src/ports/schedule-store.js";

/** A ledger whose tables a test changes by hand. */
export interface LedgerByHand {
  /** A store on it, open; another one each time. */
  store(logger?: Logger): Promise<JobStore>;
  sql(text: string): Promise<unknown>;
}

/** Brings a ledger up that a library made which knew no schedules. */
export async function bringUpTheFirstVersion(
  { store, sql }: LedgerByHand,
  create: (store: JobStore) => Promise<unknown>,
) {
  const old = await store();
  await create(old);
  const before = await old.listRuns({});
  await old.close();
  for (const table of ["schedules", "occurrences", "backfills"]) await sql(`drop table millrace_${table}`);
  await sql("delete from millrace_migrations where version > 1");

  const brought = await store();
  expect(await brought.listRuns({})).toEqual(before);
  const schedules = kept(brought);
  expect(await schedules.createSchedule(scheduleOf("s"))).toBe(true);
  expect(await schedules.advance([{ insert: [occurrenceOf("s", 1)] }])).toEqual([true]);
  expect(await schedules.createBackfill(backfillOf("b"))).toBe(true);
  await brought.close();
  const again = await store();
  expect(await kept(again).dueSchedules(9)).toEqual([scheduleOf("s")]);
  await again.close();
}

/** What somebody made unreadable is told of once, and hides nothing else. */
export async function passOverBrokenRows({ store, sql }: LedgerByHand): Promise<void> {
  const told: unknown[] = [];
  const warn: Logger["warn"] = (_message, fields) => void told.push(fields?.["reason"]);
  const open = await store({ debug: ignore, info: ignore, error: ignore, warn });
  const schedules = kept(open);
  for (const id of ["a", "b", "c", "d"]) await schedules.createSchedule(scheduleOf(id));
  const ended = { state: "failed", endedAt: new Date(1_000) } as const;
  const insert = [1, 2, 3, 4].map((at) => occurrenceOf("a", at));
  const started = [5, 6].map((at) => occurrenceOf("a", at, { state: "started", runId: "gone" }));
  const over = [7, 8].map((at) => occurrenceOf("a", at, ended));
  await schedules.advance([{ insert: [...insert, ...started, ...over] }]);
  for (const id of ["b1", "b2"]) await schedules.createBackfill(backfillOf(id));

  await sql("update millrace_schedules set body = 'no JSON' where id in ('a', 'b')");
  await sql("update millrace_schedules set body = '{}' where id = 'c'");
  for (const at of [1, 2, 5, 8]) {
    await sql(`update millrace_occurrences set body = '{"key":1}' where occurrence_key = 'a@${at}'`);
  }
  await sql("update millrace_backfills set body = 'null' where id = 'b2'");

  expect(await schedules.dueSchedules(1)).toEqual([scheduleOf("d")]);
  expect(await schedules.nextScheduleDueAt()).toEqual(scheduleOf("d").dueAt);
  expect(await schedules.listSchedules({ limit: 1 })).toEqual([scheduleOf("d")]);
  expect(await schedules.getSchedules(["a", "d"])).toEqual([scheduleOf("d")]);
  expect(await schedules.occurrencesToStart(1)).toEqual([insert[2]]);
  expect(await schedules.openOccurrences(["a"])).toEqual([insert[2], insert[3], started[1]]);
  expect(await schedules.endedOccurrences({ limit: 1 })).toEqual([{ occurrence: started[1], run: null }]);
  expect(await schedules.listOccurrences({ scheduleId: "a", limit: 1 })).toEqual([over[0]]);
  expect(await schedules.listBackfills({ limit: 1 })).toEqual([backfillOf("b1")]);
  await expect(schedules.getOccurrence("a@1")).rejects.toMatchObject(UNREADABLE);
  await expect(schedules.getBackfill("b2")).rejects.toMatchObject(UNREADABLE);
  const names = [
    ...["a", "b", "c"].map((id) => `schedule "${id}"`),
    ...[1, 2, 5, 8].map((at) => `occurrence "a@${at}"`),
  ];
  const reasons = [...names, 'backfill "b2"'].map((name) => `The ledger's row of ${name} cannot be read.`);
  expect([...told].sort()).toEqual(reasons.sort());

  // What is written over it is read again.
  expect(await schedules.advance([{ schedule: { ...scheduleOf("a"), version: 2 } }])).toEqual([true]);
  expect(await schedules.getSchedules(["a"])).toHaveLength(1);
  await open.close();
}

const UNREADABLE = { code: "store_unavailable", retryable: false };

function kept({ schedules }: JobStore): ScheduleStore {
  if (!schedules) throw new Error("The store keeps no schedules.");
  return schedules;
}

function ignore(): void {
  // Not of interest here.
}

const AT = new Date(1_000);

function scheduleOf(id: string): Schedule {
  return {
    definition: {
      id,
      description: null,
      times: { triggers: [{ kind: "once", at: 1_000 }], exclude: [], startAt: null, endAt: null },
      job: "j",
      parameters: {},
      timeParameters: {},
      overlap: { kind: "skip" },
      catchUp: { kind: "none" },
      misfireGraceMs: 60_000,
      jitterMs: 0,
      pauseAfterFailures: null,
      maxFirings: null,
      startImmediately: true,
      createdBy: null,
      hash: "h",
    },
    ...{ version: 1, state: "active", reason: null, last: null },
    ...{ createdAt: AT, updatedAt: AT, cursor: AT, nextAt: AT, dueAt: AT },
    ...{ firings: 0, succeeded: 0, failed: 0, failedInARow: 0, missed: 0, skipped: 0 },
  };
}

function occurrenceOf(scheduleId: string, at: number, parts: Partial<Occurrence> = {}): Occurrence {
  const nominalAt = new Date(at);
  return {
    ...{ key: `${scheduleId}@${at}`, scheduleId, nominalAt, previousAt: AT, dueAt: AT, lastNominalAt: nominalAt },
    ...{ cause: "trigger", state: "scheduled", reason: null, runId: null, error: null },
    ...{ createdAt: AT, endedAt: null, count: 1 },
    ...parts,
  };
}

function backfillOf(id: string): Backfill {
  return {
    ...{ id, scheduleId: "a", from: AT, to: AT, order: "oldest_first", concurrency: 1, reprocess: "none" },
    ...{ state: "running", version: 1, createdAt: AT, endedAt: null, cursor: null },
    ...{ total: 1, started: 0, succeeded: 0, failed: 0, cancelled: 0, passedOver: 0 },
  };
}
