import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import {
  defineSchedule,
  JobExecutor,
  MemoryJobStore,
  type JobStore,
  type Schedule,
  type ScheduleStore,
} from "millrace";
import { SqliteJobStore } from "millrace/sqlite";
import { postgresMissing, startPostgres } from "../support/postgres-server.js";
import { atMost, median, percentile, reported, type Figure } from "./figure.js";
import { NO_OP, NoOpDestination, NoOpEngine } from "./no-op-work.js";
import { postgresStore } from "./postgres-systems.js";
import { scaled } from "./scale.js";
import { inTemporaryFolder } from "./temporary-folder.js";

/** Opens one ledger, as often as it is called. */
type Open = () => JobStore;

const DAY_MS = 86_400_000;
const AT_ONCE = 200;

/** What schedules cost: many that are due, many that are not, and how exactly they fire. */
export async function schedules(): Promise<readonly Figure[]> {
  return inTemporaryFolder(async (folder) => {
    let files = 0;
    const sqlite = async (): Promise<Open> => {
      const path = join(folder, `ledger-${(files += 1)}.db`);
      return () => new SqliteJobStore({ path });
    };
    const memory = async (): Promise<Open> => {
      const store = new MemoryJobStore();
      return () => store;
    };
    return [
      ...(await onLedger("memory", memory, false)),
      ...(await onLedger("SQLite", sqlite, true)),
      ...(await onPostgres()),
    ];
  });
}

async function onPostgres(): Promise<readonly Figure[]> {
  const missing = postgresMissing();
  if (missing !== undefined) {
    console.warn(`NOT MEASURED: schedules on Postgres: ${missing}`);
    return [];
  }
  await using server = await startPostgres();
  const postgres = async (): Promise<Open> => {
    const url = await server.createDatabase();
    return () => postgresStore(url, { poolSize: 10 });
  };
  // Before the server ends.
  return await onLedger("Postgres", postgres, true);
}

async function onLedger(ledger: string, make: () => Promise<Open>, isBound: boolean): Promise<readonly Figure[]> {
  if ((await make())().schedules === undefined) {
    console.warn(`NOT MEASURED: the ledger in ${ledger} keeps no schedules`);
    return [];
  }
  const seconds = await secondsToFire(await make(), scaled(10_000));
  const ratio = await tickRatio(await make(), scaled(100_000));
  const timers = new TimerLateness();
  const errors = await firingErrors(await make(), 1_000, 60_000 * Math.min(1, scaled(1_000) / 1_000));
  const p99 = percentile(errors, 0.99);
  const figure = (name: string, value: number, bound: number, unit: string): Figure => {
    return isBound ? atMost(name, value, bound, unit) : reported(name, value, unit);
  };
  return [
    figure(`10,000 due schedules, two executors, ${ledger}: until every run is recorded`, seconds, 15, "s"),
    figure(`a look over 100,000 idle schedules, ${ledger}: times a read by key`, ratio, 20, "×"),
    figure(`1,000 schedules a minute, ${ledger}: 99 of 100 runs are stored after`, p99, 50, "ms"),
    reported(`1,000 schedules a minute, ${ledger}: half of the runs are stored after`, median(errors), "ms"),
    reported(`meanwhile, ${ledger}: 99 of 100 timers of this process were late by`, timers.p99(), "ms"),
  ];
}

function executorOn(store: JobStore, destination: NoOpDestination): JobExecutor {
  return new JobExecutor({
    engine: new NoOpEngine(),
    store,
    connections: { out: destination.connection() },
    jobs: [NO_OP],
    maxConcurrentRuns: 500,
  });
}

async function secondsToFire(open: Open, count: number): Promise<number> {
  const due = new Date(Date.now() - 1_000);
  await using seeded = await opened(open());
  const ids = await create(seeded.schedules, count, () => due);
  const destinations = [new NoOpDestination(), new NoOpDestination()];
  const executors = destinations.map((destination) => executorOn(open(), destination));
  const from = performance.now();
  await Promise.all(executors.map((executor) => executor.start()));
  const committed = (): number => destinations.reduce((sum, { commits }) => sum + commits, 0);
  while (committed() < count) await sleep(5);
  while ((await seeded.schedules.openOccurrences(ids)).length > 0) await sleep(20);
  const seconds = (performance.now() - from) / 1_000;
  let succeeded = 0;
  for (const { succeeded: own, firings } of await seeded.schedules.getSchedules(ids)) {
    if (firings !== 1) throw new Error(`A schedule fired ${firings} times.`);
    succeeded += own;
  }
  await Promise.all(executors.map((executor) => executor.stop()));
  if (committed() !== count || succeeded !== count) throw new Error(`${committed()} commits, ${succeeded} recorded.`);
  console.error(`  ${count} fired in ${seconds.toFixed(1)} s`);
  return seconds;
}

/** All that is read when nothing is due, beside one read of a schedule by its key. */
async function tickRatio(open: Open, count: number): Promise<number> {
  await using seeded = await opened(open());
  const store = seeded.schedules;
  const ids = await create(store, count, (at) => new Date(Date.now() + DAY_MS + at));
  const tick = async (): Promise<void> => {
    await store.dueSchedules(500);
    await store.listBackfills({ open: true, limit: 100 });
    await store.endedOccurrences({ limit: 500 });
    await store.occurrencesToStart(500);
    await store.nextScheduleDueAt();
  };
  const read = async (at: number): Promise<void> => {
    await store.getSchedules([ids[(at * 7_919) % ids.length]!]);
  };
  const [ticks, reads] = [await timesOf(tick), await timesOf(read)];
  console.error(`  tick ${median(ticks).toFixed(3)} ms, read ${median(reads).toFixed(3)} ms`);
  return median(ticks) / median(reads);
}

async function timesOf(act: (at: number) => Promise<void>): Promise<readonly number[]> {
  const times: number[] = [];
  for (let at = 0; at < 300; at += 1) {
    const from = performance.now();
    await act(at);
    if (at >= 100) times.push(performance.now() - from);
  }
  return times;
}

/** By how much later than its time each run was stored, in milliseconds. */
async function firingErrors(open: Open, perMinute: number, lengthMs: number): Promise<readonly number[]> {
  await using seeded = await opened(open());
  const first = Date.now() + 5_000;
  const gap = 60_000 / perMinute;
  const count = Math.floor(lengthMs / gap);
  const ids = await create(seeded.schedules, count, (at) => new Date(first + Math.floor(at * gap)));
  const executor = executorOn(open(), new NoOpDestination());
  await executor.start();
  await sleep(Math.max(0, first + lengthMs - Date.now()) + 2_000);
  const errors = await Promise.all(
    ids.map(async (id) => {
      const [occurrence] = await seeded.schedules.listOccurrences({ scheduleId: id, limit: 1 });
      const run = await executor.getRun(occurrence?.runId ?? "");
      if (!occurrence || !run) throw new Error(`${id} has not fired.`);
      return run.createdAt.getTime() - occurrence.dueAt.getTime();
    }),
  );
  await executor.stop();
  return errors;
}

/** How late the machine itself is: timers that do nothing. */
class TimerLateness {
  readonly #late: number[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor() {
    const wait = (): void => {
      const due = performance.now() + 20;
      this.#timer = setTimeout(() => {
        this.#late.push(performance.now() - due);
        wait();
      }, 20);
    };
    wait();
  }

  p99(): number {
    clearTimeout(this.#timer);
    return percentile(this.#late, 0.99);
  }
}

interface Opened extends AsyncDisposable {
  readonly schedules: ScheduleStore;
}

async function opened(store: JobStore): Promise<Opened> {
  const after = (delayMs: number, fire: () => void): (() => void) => {
    const timer = setTimeout(fire, delayMs);
    return () => clearTimeout(timer);
  };
  const context = { clock: { now: () => Date.now(), after }, logger: console };
  await store.open(context);
  return { schedules: store.schedules!, [Symbol.asyncDispose]: () => store.close(context) };
}

/** Stores schedules that fire once a day, first at their own time. */
async function create(store: ScheduleStore, count: number, dueAt: (at: number) => Date): Promise<readonly string[]> {
  const now = await store.now();
  const ids = Array.from({ length: count }, (_, at) => `schedule ${at}`);
  for (let from = 0; from < count; from += AT_ONCE) {
    await Promise.all(
      ids.slice(from, from + AT_ONCE).map((id, at) => store.createSchedule(scheduleOf(id, dueAt(from + at), now))),
    );
  }
  return ids;
}

function scheduleOf(id: string, nextAt: Date, now: Date): Schedule {
  const trigger = { everyMs: DAY_MS, anchor: nextAt };
  return {
    definition: defineSchedule({ id, trigger, job: NO_OP, startImmediately: false, misfireGraceMs: 600_000 }),
    version: 1,
    state: "active",
    reason: null,
    createdAt: now,
    updatedAt: now,
    cursor: now,
    nextAt,
    dueAt: nextAt,
    firings: 0,
    succeeded: 0,
    failed: 0,
    failedInARow: 0,
    missed: 0,
    skipped: 0,
    last: null,
  };
}
