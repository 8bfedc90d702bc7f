import { expect, test } from "vitest";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { CronerScheduler } from "../../src/adapters/croner/croner-scheduler.js";
import type { JobExecutor } from "../../src/executor/job-executor.js";
import { defineJob } from "../../src/jobs/define-job.js";
import type { Occurrence } from "../../src/model/occurrence.js";
import type { RunError } from "../../src/model/run.js";
import type { Clock } from "../../src/ports/clock.js";
import type { JobStore } from "../../src/ports/job-store.js";
import type { ScheduleStore } from "../../src/ports/schedule-store.js";
import { defineSchedule } from "../../src/schedules/define-schedule.js";
import { nextFirings } from "../../src/schedules/firing-times.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { SequentialIds } from "../../src/testing/sequential-ids.js";
import { seededRandom } from "../crash/seeded-random.js";
import { harness } from "../support/executor-harness.js";
import { scheduler } from "./schedule-samples.js";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const SEED = Number(process.env["MILLRACE_SEED"] ?? Date.now() % 1_000_000);

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

/** Wakes when the test says so. */
class WokenScheduler extends CronerScheduler {
  wake: () => void = () => undefined;

  override start(wake: () => void): void {
    this.wake = wake;
  }

  override wakeAt(): void {
    // The test wakes it.
  }
}

const FAILURE: RunError = { code: "query_failed", message: "one in twenty fails", hint: "None.", retryable: false };

/** Claims what is pending, and ends what has taken its time: some runs fail, some take for longer than to the next firing. */
class Worker {
  readonly #under = new Map<string, { readonly epoch: number; readonly until: number }>();

  constructor(
    private readonly store: MemoryJobStore,
    private readonly clock: ManualClock,
    private readonly random: () => number,
  ) {}

  async work(): Promise<void> {
    const claimed = await this.store.claimRuns({ owner: "worker", limit: 100, leaseMs: 365 * DAY });
    for (const { id, lease } of claimed) {
      const tookMs = this.random() < 0.2 ? this.random() * 30 * HOUR : 0;
      this.#under.set(id, { epoch: lease?.epoch ?? 0, until: this.clock.now() + tookMs });
    }
    for (const [id, { epoch, until }] of this.#under) {
      if (until > this.clock.now()) continue;
      this.#under.delete(id);
      if (this.random() < 0.05) {
        await this.store.transition(id, { from: "running", to: "failed", epoch, error: FAILURE }, []);
      } else {
        await this.store.transition(id, { from: "running", to: "committing", epoch, commitId: id }, []);
        await this.store.transition(id, { from: "committing", to: "succeeded", epoch, rowsWritten: 1 }, []);
      }
    }
  }
}

/** A process of its own on the ledger, which can be killed: nothing that it asks for is done or answered any more. */
class Process {
  readonly executor: JobExecutor;
  readonly scheduler = new WokenScheduler(new ManualClock(0));
  #isDead = false;

  constructor(store: MemoryJobStore, clock: ManualClock, ids: SequentialIds, random: () => number) {
    const alive = <T extends object>(part: T): T =>
      new Proxy(part, {
        get: (target, name) => {
          const value: unknown = Reflect.get(target, name, target);
          if (name === "schedules") return alive(value as object);
          if (typeof value !== "function" || name === "close") return value;
          return (...given: unknown[]) => {
            if (this.#isDead) return new Promise(() => undefined);
            // Dies just before an act, or just after it, when nobody hears the answer.
            const dies = random() < this.deadly;
            if (dies && random() < 0.5) return this.#die();
            const answer: unknown = Reflect.apply(value, target, given);
            return dies ? this.#die() : answer;
          };
        },
      });
    const made = harness({
      // Its runs are carried out by the test: a worker asks the ledger every second, which takes too long for two years.
      role: "submit",
      scheduler: this.scheduler,
      store: alive<JobStore>(store),
      clock: this.#clock(clock),
      ids,
      jobs: [job],
      schedules: SCHEDULES,
      // Leases are looked after all the time: two years of it by the minute would take hours.
      leaseMs: 4 * HOUR,
    });
    this.executor = made.executor;
  }

  deadly = 0;

  get isDead(): boolean {
    return this.#isDead;
  }

  /** On which nothing of a dead process is called any more. */
  #clock(clock: ManualClock): Clock {
    return {
      now: () => clock.now(),
      after: (delayMs, fire) => clock.after(delayMs, () => void (this.#isDead || fire())),
    };
  }

  #die(): Promise<never> {
    this.#isDead = true;
    return new Promise(() => undefined);
  }
}

test(
  "two years of crashes, sleep and clocks that jump: every firing happens once, or is explained",
  { timeout: 120_000 },
  async () => {
    console.log(`seed ${SEED}: set MILLRACE_SEED to repeat it`);
    const random = seededRandom(SEED);
    const from = Date.UTC(2026, 0, 1);
    const clock = new ManualClock(from);
    const store = new MemoryJobStore();
    const ids = new SequentialIds();
    const make = async (): Promise<Process> => {
      const made = new Process(store, clock, ids, random);
      await made.executor.start();
      return made;
    };
    let processes = [await make(), await make()];
    const worker = new Worker(store, clock, random);
    let kills = 0;
    for (let now = from; now < from + 730 * DAY; now = clock.now()) {
      const chance = random();
      if (chance < 0.01) clock.jumpTo(now + Math.floor(random() * 3 * DAY));
      else if (chance < 0.02) clock.jumpTo(now - Math.floor(random() * 2 * HOUR));
      else if (chance < 0.05) processes[Math.floor(random() * 2)]!.deadly = 0.05;
      await clock.advance(HOUR);
      await worker.work();
      for (const { scheduler: woken } of processes) woken.wake();
      await clock.advance(HOUR);
      for (const process of processes) process.deadly = 0;
      kills += processes.filter(({ isDead }) => isDead).length;
      processes = await Promise.all(processes.map(async (process) => (process.isDead ? make() : process)));
    }
    const { schedules } = processes[0]!.executor;
    for (const { id } of SCHEDULES) (await schedules.pause(id))._unsafeUnwrap();
    for (let open = true; open;) {
      await worker.work();
      for (const { scheduler: woken } of processes) woken.wake();
      await clock.advance(HOUR);
      open = (await store.schedules.openOccurrences(SCHEDULES.map(({ id }) => id))).length > 0;
    }

    const made = { fired: 0, missed: 0, skipped: 0 };
    for (const definition of SCHEDULES) {
      const occurrences = await allOccurrences(store.schedules, definition.id);
      const schedule = await schedules.get(definition.id);
      const until = schedule!.cursor.getTime();
      const start = definition.startImmediately ? [schedule!.createdAt.getTime()] : [];
      const expected = [...start, ...nextFirings(definition.times, scheduler, schedule!.createdAt.getTime(), 100_000)];
      const nominal = expected.filter((time) => time <= until);
      const byTime = new Map<number, Occurrence>();
      let inRanges = 0;
      for (const one of occurrences) {
        expect(byTime.has(one.nominalAt.getTime()), `twice: ${one.key}`).toBe(false);
        byTime.set(one.nominalAt.getTime(), one);
        expect(
          ["succeeded", "failed", "missed", "skipped_overlap", "cancelled"],
          `${one.key} is ${one.state}`,
        ).toContain(one.state);
        if (one.state === "missed") inRanges += one.count - 1;
        if (one.state === "missed" || one.state === "skipped_overlap") expect(one.reason).not.toBeNull();
        made[one.state === "missed" ? "missed" : one.runId === null ? "skipped" : "fired"] += one.count;
      }
      const covered = nominal.filter((time) => {
        return (
          byTime.has(time) ||
          occurrences.some(
            (one) => one.count > 1 && one.nominalAt.getTime() <= time && time <= one.lastNominalAt.getTime(),
          )
        );
      });
      expect(covered).toHaveLength(nominal.length);
      expect(occurrences.length + inRanges, "more than there are firings").toBe(nominal.length);
      const ended = occurrences.filter(({ state }) => state === "succeeded" || state === "failed");
      expect(schedule!.succeeded + schedule!.failed, "counters").toBe(ended.length);
      if (definition.id === "caught up") expect(occurrences.filter(({ state }) => state === "missed")).toEqual([]);
    }
    // One run for each firing that was started, and no others.
    const keys = new Set<string>();
    for (let cursor: string | undefined; ;) {
      const page = await store.listRuns({ limit: 1_000, ...(cursor !== undefined && { cursor }) });
      for (const { idempotencyKey } of page.runs) {
        expect(keys.has(idempotencyKey ?? "")).toBe(false);
        keys.add(idempotencyKey ?? "");
      }
      cursor = page.nextCursor;
      if (cursor === undefined) break;
    }
    expect(keys.size).toBe(made.fired);
    console.log(`${made.fired} fired, ${made.missed} missed, ${made.skipped} skipped, ${kills} processes killed`);
    expect(kills).toBeGreaterThan(20);
    for (const { executor } of processes) await executor.stop({ timeoutMs: 0, mode: "cancel" });
  },
);

async function allOccurrences(store: ScheduleStore, scheduleId: string): Promise<readonly Occurrence[]> {
  const all: Occurrence[] = [];
  for (;;) {
    const last = all.at(-1);
    const page = await store.listOccurrences({ scheduleId, limit: 1_000, ...(last && { before: last }) });
    all.push(...page);
    if (page.length < 1_000) return all;
  }
}
