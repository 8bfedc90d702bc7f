import assert from "node:assert/strict";
import type { Backfill } from "../../model/backfill.js";
import { occurrenceKey, runKey } from "../../model/occurrence-key.js";
import type { Occurrence } from "../../model/occurrence.js";
import type { RunStatus } from "../../model/run-status.js";
import type { JobRun } from "../../model/run.js";
import type { Schedule } from "../../model/schedule.js";
import type { JobStore } from "../../ports/job-store.js";
import type { ScheduleChange, ScheduleStore } from "../../ports/schedule-store.js";
import { ERROR, type Trial } from "./trial.js";

/** The schedules of a store under test, and the values that clauses are made of. */
export class ScheduleTrial {
  readonly store: ScheduleStore;

  constructor(readonly jobs: Trial) {
    this.store = schedulesOf(jobs.store);
  }

  now(laterMs = 0): Date {
    return this.jobs.now(laterMs);
  }

  /** Another store on the same ledger, open. */
  async reopened(): Promise<{ readonly schedules: ScheduleStore; readonly jobs: JobStore }> {
    const jobs = await this.jobs.reopened();
    return { schedules: schedulesOf(jobs), jobs };
  }

  schedule(id: string, parts: Partial<Schedule> = {}): Schedule {
    const now = this.now();
    return {
      definition: { ...structuredClone(DEFINITION), id },
      version: 1,
      state: "active",
      reason: null,
      createdAt: now,
      updatedAt: now,
      cursor: now,
      nextAt: now,
      dueAt: now,
      firings: 0,
      succeeded: 0,
      failed: 0,
      failedInARow: 0,
      missed: 0,
      skipped: 0,
      last: null,
      ...parts,
    };
  }

  /** A stored one. */
  async stored(id: string, parts: Partial<Schedule> = {}): Promise<Schedule> {
    const schedule = this.schedule(id, parts);
    assert.equal(await this.store.createSchedule(schedule), true);
    return schedule;
  }

  /** Of the schedule `s`. @param at its nominal time, in milliseconds from now. */
  occurrence(at: number, parts: Partial<Occurrence> = {}): Occurrence {
    const nominalAt = this.now(at);
    const { scheduleId = "s" } = parts;
    return {
      key: occurrenceKey(scheduleId, nominalAt),
      scheduleId,
      nominalAt,
      previousAt: this.now(at - 1_000),
      dueAt: this.now(at + 7),
      cause: "trigger",
      state: "scheduled",
      reason: null,
      runId: null,
      error: null,
      createdAt: this.now(),
      endedAt: null,
      count: 1,
      lastNominalAt: nominalAt,
      ...structuredClone(parts),
    };
  }

  backfill(id: string, parts: Partial<Backfill> = {}): Backfill {
    return {
      id,
      scheduleId: "s",
      from: this.now(-1e9),
      to: this.now(),
      order: "oldest_first",
      concurrency: 2,
      reprocess: "failed",
      state: "running",
      version: 1,
      createdAt: this.now(),
      endedAt: null,
      cursor: null,
      total: 9,
      started: 0,
      succeeded: 0,
      failed: 0,
      cancelled: 0,
      passedOver: 0,
      ...parts,
    };
  }

  /** Stores occurrences, and gives them back. */
  async insert<O extends readonly Occurrence[]>(...insert: O): Promise<O> {
    assert.deepEqual(await this.store.advance([{ insert }]), [true]);
    return insert;
  }

  /** The run of an occurrence, brought to a status. No other run may be pending. */
  run({ key }: Occurrence, status: RunStatus): Promise<JobRun> {
    return this.jobs.runAt(status, { idempotencyKey: runKey(key) });
  }

  /** Makes a change that must be refused, and must then leave everything as it is. */
  async refuses(change: ScheduleChange): Promise<void> {
    const before = await this.everything();
    assert.deepEqual(await this.store.advance([change]), [false]);
    assert.deepEqual(await this.everything(), before);
  }

  /** All that the store holds, of occurrences those of the schedule `s`. */
  everything(): Promise<readonly unknown[]> {
    return Promise.all([
      this.store.listSchedules({ limit: 1_000 }),
      this.store.listOccurrences({ scheduleId: "s", limit: 1_000 }),
      this.store.listBackfills({ limit: 1_000 }),
      this.store.openOccurrences(["s"]),
      this.store.occurrencesToStart(1_000),
      this.store.nextScheduleDueAt(),
    ]);
  }
}

/** Clauses that are given the schedules of the store. */
export function ofSchedules(
  clauses: Readonly<Record<string, (trial: ScheduleTrial) => Promise<void>>>,
): Readonly<Record<string, (trial: Trial) => Promise<void>>> {
  return Object.fromEntries(
    Object.entries(clauses).map(([name, clause]) => [name, (trial: Trial) => clause(new ScheduleTrial(trial))]),
  );
}

/** A schedule after one more change. */
export function changed(schedule: Schedule, parts: Partial<Schedule> = {}): Schedule {
  return { ...schedule, version: schedule.version + 1, ...parts };
}

export function idsOf(schedules: readonly Schedule[]): readonly string[] {
  return schedules.map(({ definition }) => definition.id);
}

export function keysOf(occurrences: readonly Occurrence[]): readonly string[] {
  return occurrences.map(({ key }) => key);
}

/** Ids that a store must tell apart, keep as they are, and bring into the order of their code units. */
export const ODD_IDS: readonly string[] = [
  ...["", " ", "a", "A", "a ", " a", "a\u0000", "a\u0000b", "a\nb", "a!b", "a~b", "a\u007fb", "a\u0080b", "aa"],
  ...["it's", 'say "no"', "back\\slash", "100%_", "[]{}", "null", "é", "e\u0301", "ß", "İ", "ab\u{1f600}"],
  ...["ab\ud800", "ab\udc00", "ab\ue000", "ab\uffff", "\ufffd", "nul@2026-01-01T00:00:00.000Z#x", "x".repeat(100)],
];

/** An occurrence's end, whole. */
export const ENDED = { state: "failed", reason: "why\u0000not", error: ERROR, runId: "r" } as const;

function schedulesOf({ schedules }: JobStore): ScheduleStore {
  assert(schedules, "A store without schedules goes without the clauses about them.");
  return schedules;
}

const DEFINITION: Omit<Schedule["definition"], "id"> = {
  description: "every \u0000 \ud800 “night”",
  times: {
    triggers: [
      { kind: "cron", expression: "0 2 * * *", timeZone: "Europe/Zurich", gap: "shift", overlap: "first" },
      { kind: "interval", everyMs: 3_600_000, from: "anchor", anchor: -1.5 },
    ],
    exclude: [{ kind: "dates", dates: ["2026-12-25"], timeZone: "UTC" }],
    startAt: null,
    endAt: 8.64e15,
  },
  job: "it's",
  parameters: { list: [1, 2.5, -0.1, null, { deep: "\u2028" }], big: 9_007_199_254_740_991 },
  timeParameters: { as_of: "nominal" },
  overlap: { kind: "buffer_all", limit: 3 },
  catchUp: { kind: "all", maxCount: 5, maxAgeMs: 86_400_000 },
  misfireGraceMs: 60_000,
  jitterMs: 0,
  pauseAfterFailures: null,
  maxFirings: 10,
  startImmediately: true,
  createdBy: null,
  hash: "0123abcd",
};
