import { expect } from "vitest";
import { defineJob } from "../../src/jobs/define-job.js";
import type { Occurrence } from "../../src/model/occurrence.js";
import type { Schedule, ScheduleDefinition } from "../../src/model/schedule.js";
import type { JobStore } from "../../src/ports/job-store.js";
import type { ScheduleStore } from "../../src/ports/schedule-store.js";
import { defineSchedule } from "../../src/schedules/define-schedule.js";
import { nextFiringsNow } from "../../src/schedules/firing-times.js";
import { SequentialIds } from "../../src/testing/sequential-ids.js";
import { seededRandom } from "../crash/seeded-random.js";
import { scheduler } from "./schedule-samples.js";
import type { SimulatedLedger } from "./simulated-ledgers.js";
import { afterInFact, SimulatedProcess, type SimulatedWorld } from "./simulated-process.js";
import { SimulatedWorker } from "./simulated-worker.js";

const FEWEST_KILLS = 3;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const job = defineJob({ name: "load", query: "select 1", destination: { table: "out.t", mode: "append" } });
const SCHEDULES = [
  defineSchedule({
    id: "caught up",
    trigger: { cron: "30 2 * * *", timeZone: "Europe/Paris" },
    job,
    overlap: "allow",
    catchUp: { kind: "all", maxCount: 1_000, maxAgeMs: 30 * DAY },
    startImmediately: false,
  }),
  defineSchedule({
    id: "skipped",
    trigger: [{ cron: "0 */7 * * *", timeZone: "America/New_York" }, { cron: "0 12 1 * *" }],
    exclude: { dates: ["2026-12-25", "2027-07-04"], timeZone: "America/New_York" },
    job,
    misfireGraceMs: 3 * HOUR,
    startImmediately: false,
  }),
  defineSchedule({
    id: "one waits",
    trigger: { everyMs: 11 * HOUR, anchor: "2026-01-01T00:00:00Z" },
    job,
    overlap: "buffer_one",
    misfireGraceMs: 3 * HOUR,
  }),
];

/** What became of the firings of a span of time. */
export interface SimulatedSpan {
  readonly fired: number;
  readonly missed: number;
  readonly skipped: number;
  /** How many processes were killed. */
  readonly kills: number;
}

/**
 * Two processes on one ledger over `days`, or longer where fewer than three were killed by then, which are killed and made anew, while the machine sleeps and its clock jumps. Then
 * every firing must have happened once, or be explained.
 *
 * @param unrest how much likelier than one in a hundred steps of two hours each of these is.
 */
export async function simulateSchedules(
  ledger: SimulatedLedger,
  { days, seed, unrest }: { readonly days: number; readonly seed: number; readonly unrest: number },
): Promise<SimulatedSpan> {
  const { clock } = ledger;
  const random = seededRandom(seed);
  const world = { ledger, ids: new SequentialIds(), random, job, schedules: SCHEDULES };
  const store = ledger.store();
  await store.open({ clock: { now: () => clock.now(), after: afterInFact } });
  let processes = [await started(world), await started(world)];
  const worker = new SimulatedWorker(store, clock, random);
  const step = async (): Promise<void> => {
    await worker.work();
    for (const process of processes) process.wake();
    await clock.advance(HOUR);
  };
  let kills = 0;
  const from = clock.now();
  for (let now = from; now < from + days * DAY || kills < FEWEST_KILLS; now = clock.now()) {
    const chance = random() / unrest;
    if (chance < 0.01) await clock.jumpTo(now + Math.floor(random() * 3 * DAY));
    else if (chance < 0.02) await clock.jumpTo(now - Math.floor(random() * 2 * HOUR));
    else if (chance < 0.05) processes[Math.floor(random() * 2)]!.deadly = 0.05;
    await clock.advance(HOUR);
    await step();
    for (const process of processes) process.deadly = 0;
    const dead = processes.filter(({ isDead }) => isDead);
    kills += dead.length;
    await Promise.all(dead.map((process) => process.bury()));
    processes = await Promise.all(processes.map(async (process) => (process.isDead ? started(world) : process)));
  }
  const { schedules } = processes[0]!.executor;
  for (const { id } of SCHEDULES) (await schedules.pause(id))._unsafeUnwrap();
  const kept = schedulesOf(store);
  while ((await kept.openOccurrences(SCHEDULES.map(({ id }) => id))).length > 0) await step();

  const span = { fired: 0, missed: 0, skipped: 0, kills };
  for (const definition of SCHEDULES) {
    const [schedule] = await kept.getSchedules([definition.id]);
    const occurrences = await allOccurrences(kept, definition.id);
    expectEachOnce(definition, schedule!, occurrences);
    for (const { state, runId, count } of occurrences) {
      span[state === "missed" ? "missed" : runId === null ? "skipped" : "fired"] += count;
    }
  }
  // One run for each firing that was started, and no others.
  const keys = await runKeys(store);
  expect(new Set(keys).size).toBe(keys.length);
  expect(keys).toHaveLength(span.fired);
  for (const { executor } of processes) await executor.stop({ timeoutMs: 0, mode: "cancel" });
  await ledger.end(store);
  return span;
}

async function started(world: SimulatedWorld): Promise<SimulatedProcess> {
  const made = new SimulatedProcess(world);
  await made.executor.start();
  return made;
}

function expectEachOnce(
  { id, times, startImmediately }: ScheduleDefinition,
  schedule: Schedule,
  occurrences: readonly Occurrence[],
): void {
  const createdAt = schedule.createdAt.getTime();
  const until = schedule.cursor.getTime();
  const start = startImmediately ? [createdAt] : [];
  const nominal = [...start, ...nextFiringsNow(times, scheduler, createdAt, 100_000)].filter((time) => time <= until);
  const byTime = new Map<number, Occurrence>();
  for (const one of occurrences) {
    expect(byTime.has(one.nominalAt.getTime()), `twice: ${one.key}`).toBe(false);
    byTime.set(one.nominalAt.getTime(), one);
    expect(ENDS, `${one.key} is ${one.state}`).toContain(one.state);
    if (one.state === "missed" || one.state === "skipped_overlap") expect(one.reason).not.toBeNull();
  }
  const ranges = occurrences.filter(({ count }) => count > 1);
  const isCovered = (time: number): boolean =>
    byTime.has(time) ||
    ranges.some(({ nominalAt, lastNominalAt }) => nominalAt.getTime() <= time && time <= lastNominalAt.getTime());
  expect(nominal.filter((time) => !isCovered(time)).map((time) => new Date(time))).toEqual([]);
  const counted = occurrences.reduce((sum, { state, count }) => sum + (state === "missed" ? count : 1), 0);
  expect(counted, "more than there are firings").toBe(nominal.length);
  const ended = occurrences.filter(({ state }) => state === "succeeded" || state === "failed");
  expect(schedule.succeeded + schedule.failed, "counters").toBe(ended.length);
  if (id === "caught up") expect(occurrences.filter(({ state }) => state === "missed")).toEqual([]);
}

const ENDS: readonly string[] = ["succeeded", "failed", "missed", "skipped_overlap", "cancelled"];

export async function allOccurrences(store: ScheduleStore, scheduleId: string): Promise<readonly Occurrence[]> {
  const all: Occurrence[] = [];
  for (;;) {
    const last = all.at(-1);
    const page = await store.listOccurrences({ scheduleId, limit: 1_000, ...(last && { before: last }) });
    all.push(...page);
    if (page.length < 1_000) return all;
  }
}

export async function runKeys(store: JobStore): Promise<readonly string[]> {
  const keys: string[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await store.listRuns({ limit: 1_000, ...(cursor !== undefined && { cursor }) });
    keys.push(...page.runs.map(({ idempotencyKey }) => idempotencyKey ?? ""));
    cursor = page.nextCursor;
    if (cursor === undefined) return keys;
  }
}

export function schedulesOf({ schedules }: JobStore): ScheduleStore {
  if (!schedules) throw new Error("The store keeps no schedules.");
  return schedules;
}
