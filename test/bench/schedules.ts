import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { defineSchedule, type JobStore, type Schedule, type ScheduleStore } from "millrace";
import { postgresMissing, startPostgres } from "../support/postgres-server.js";
import { atMost, median, percentile, reported, type Figure } from "./figure.js";
import { NO_OP, NoOpDestination } from "./no-op-work.js";
import { scaled } from "./scale.js";
import {
  firingExecutor,
  ledgerOf,
  type BenchLedger,
  type FiringCommand,
  type FiringReport,
} from "./schedules-ledger.js";
import { inTemporaryFolder } from "./temporary-folder.js";

const CHILD = fileURLToPath(new URL("./schedules-child.ts", import.meta.url));
const DAY_MS = 86_400_000;
const AT_ONCE = 200;

/** What schedules cost: many that are due, many that are not, and how exactly they fire. */
export async function schedules(): Promise<readonly Figure[]> {
  return inTemporaryFolder(async (folder) => {
    let files = 0;
    const sqlite = async (): Promise<BenchLedger> => ({ sqlite: join(folder, `ledger-${(files += 1)}.db`) });
    return [...(await onLedger("SQLite", sqlite)), ...(await onPostgres())];
  });
}

async function onPostgres(): Promise<readonly Figure[]> {
  const missing = postgresMissing();
  if (missing !== undefined) {
    console.warn(`NOT MEASURED: schedules on Postgres: ${missing}`);
    return [];
  }
  await using server = await startPostgres();
  // Before the server ends.
  return await onLedger("Postgres", async () => ({ postgres: await server.createDatabase() }));
}

/** @param make an empty one, each time another. */
async function onLedger(ledger: string, make: () => Promise<BenchLedger>): Promise<readonly Figure[]> {
  const seconds = await secondsToFire(await make(), scaled(10_000));
  const ratio = await tickRatio(await make(), scaled(100_000));
  const timers = new TimerLateness();
  const errors = await firingErrors(await make(), 1_000, 60_000 * Math.min(1, scaled(1_000) / 1_000));
  const p99 = percentile(errors, 0.99);
  return [
    atMost(`10,000 due schedules, two processes, ${ledger}: until the last end is recorded`, seconds, 15, "s"),
    atMost(`a look over 100,000 idle schedules, ${ledger}: times a read by key`, ratio, 20, "×"),
    atMost(`1,000 schedules a minute, ${ledger}: 99 of 100 runs are stored after`, p99, 50, "ms"),
    reported(`1,000 schedules a minute, ${ledger}: half of the runs are stored after`, median(errors), "ms"),
    reported(`meanwhile, ${ledger}: 99 of 100 timers of this process were late by`, timers.p99(), "ms"),
  ];
}

/**
 * From the moment when two processes, ready with everything loaded, are told to start their executors, to the moment when the
 * ledger shows the end of every occurrence.
 */
async function secondsToFire(ledger: BenchLedger, count: number): Promise<number> {
  const due = new Date(Date.now() - 1_000);
  await using seeded = await opened(ledgerOf(ledger));
  const ids = await create(seeded.schedules, count, () => due);
  const processes = await Promise.all([startProcess(ledger), startProcess(ledger)]);
  const from = performance.now();
  for (const process of processes) process.tell("start");
  const committed = (): number => processes.reduce((sum, { commits }) => sum + commits, 0);
  while (committed() < count) await sleep(5);
  while ((await seeded.schedules.openOccurrences(ids)).length > 0) await sleep(20);
  const seconds = (performance.now() - from) / 1_000;
  let succeeded = 0;
  for (const { succeeded: own, firings } of await seeded.schedules.getSchedules(ids)) {
    if (firings !== 1) throw new Error(`A schedule fired ${firings} times.`);
    succeeded += own;
  }
  await Promise.all(processes.map((process) => process.stop()));
  if (committed() !== count || succeeded !== count) throw new Error(`${committed()} commits, ${succeeded} recorded.`);
  const shares = processes.map(({ commits }) => commits).join(" and ");
  console.error(`  ${count} fired in ${seconds.toFixed(1)} s; the runs were carried out by two processes: ${shares}`);
  return seconds;
}

interface FiringProcess {
  /** What it has carried out. */
  readonly commits: number;
  tell(command: FiringCommand): void;
  /** Resolves when it is gone. */
  stop(): Promise<void>;
}

/** Resolves when it is ready to start its executor. */
async function startProcess(ledger: BenchLedger): Promise<FiringProcess> {
  const child: ChildProcess = fork(CHILD, [JSON.stringify(ledger)], { execArgv: ["--import", "tsx"] });
  let commits = -1;
  child.on("message", (report: FiringReport) => (commits = report.commits));
  await once(child, "message");
  const tell = (command: FiringCommand): void => void child.send(command);
  return {
    get commits() {
      return commits;
    },
    tell,
    stop: async () => {
      const exit = once(child, "exit");
      tell("stop");
      await exit;
    },
  };
}

/** All that is read when nothing is due, beside one read of a schedule by its key. */
async function tickRatio(ledger: BenchLedger, count: number): Promise<number> {
  await using seeded = await opened(ledgerOf(ledger));
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
async function firingErrors(ledger: BenchLedger, perMinute: number, lengthMs: number): Promise<readonly number[]> {
  await using seeded = await opened(ledgerOf(ledger));
  const first = Date.now() + 5_000;
  const gap = 60_000 / perMinute;
  const count = Math.floor(lengthMs / gap);
  const ids = await create(seeded.schedules, count, (at) => new Date(first + Math.floor(at * gap)));
  const executor = firingExecutor(ledgerOf(ledger), new NoOpDestination());
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
