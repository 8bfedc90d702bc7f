import Database from "better-sqlite3";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../src/adapters/system/system-clock.js";
import { nextFiringsNow } from "../../src/schedules/firing-times.js";
import { ledgerAt, type LedgerPlace } from "../chaos/ledger-place.js";
import { seededRandom } from "../crash/seeded-random.js";
import { bundledProcess, type BundledProcess } from "../support/bundled-process.js";
import { describePostgres } from "../support/describe-postgres.js";
import { startPostgres } from "../support/postgres-server.js";
import { KILLED_JOBS, KILLED_SCHEDULES, type KilledReport, type KilledSetup } from "./killed-jobs.js";
import { scheduler } from "./schedule-samples.js";
import { allOccurrences, runKeys, schedulesOf } from "./simulated-years.js";

const SEED = Number(process.env["MILLRACE_SEED"] ?? Date.now() % 1_000_000);
const KILLS = Number(process.env["MILLRACE_TRIALS"] ?? 3);
const LONGEST_LIFE_MS = 500;
const LEASE_MS = 1_000;
const FILLED = { from: Date.UTC(1961, 0, 1), to: Date.UTC(2001, 0, 1), count: 40 };

const TIMEOUT = { timeout: 120_000 + KILLS * 5_000 };

let child: BundledProcess;
beforeAll(async () => {
  child = await bundledProcess(new URL("./killed-child.ts", import.meta.url));
});
afterAll(() => child[Symbol.asyncDispose]());

test("two processes on one SQLite file, one killed again and again: every firing is carried out once", TIMEOUT, () =>
  inFolder((folder) => trial(folder, { kind: "sqlite", path: join(folder, "ledger.db") })),
);

describePostgres("on a real server", () => {
  test("two processes on Postgres, one killed again and again: every firing is carried out once", TIMEOUT, async () => {
    await using server = await startPostgres({ fsync: false });
    const url = await server.createDatabase();
    await inFolder((folder) => trial(folder, { kind: "postgres", url }));
  });
});

async function trial(folder: string, ledger: LedgerPlace): Promise<void> {
  console.log(`seed ${SEED}: set MILLRACE_SEED to repeat it`);
  const random = seededRandom(SEED);
  const setup: KilledSetup = { ledger, file: join(folder, "out.db"), leaseMs: LEASE_MS, backfill: null };
  const triggered: string[] = [];
  const [first, other] = [await start({ ...setup, backfill: FILLED }, triggered), await start(setup, triggered)];
  for (let kills = 0, victim = first; kills < KILLS; kills += 1) {
    await after(random() * LONGEST_LIFE_MS);
    victim.kill("SIGKILL");
    await once(victim, "exit");
    victim = await start(setup, triggered);
    if (kills + 1 < KILLS) continue;
    await after(random() * LONGEST_LIFE_MS);
    victim.kill("SIGKILL");
  }
  const done = once(other, "exit");
  other.send("finish");
  expect(await done).toEqual([0, null]);
  await expectEachOnce(ledger, setup.file, triggered);
}

/** Resolves when it fires. */
async function start(setup: KilledSetup, triggered: string[]): Promise<ChildProcess> {
  const process = child.start(setup);
  const ready = new Promise<void>((resolve, reject) => {
    process.on("message", (report: KilledReport) => {
      if ("ready" in report) resolve();
      if ("triggered" in report) triggered.push(report.triggered);
    });
    process.once("exit", () => reject(new Error("A process ended before it was ready.")));
  });
  await ready;
  return process;
}

async function expectEachOnce(place: LedgerPlace, file: string, triggered: readonly string[]): Promise<void> {
  const store = ledgerAt(place);
  await store.open({ clock: systemClock });
  const schedules = schedulesOf(store);
  const all = await Promise.all(KILLED_JOBS.map(({ name }) => allOccurrences(schedules, name)));
  const [ticks = [], asked = [], filled = []] = all;
  const [schedule] = await schedules.getSchedules(["ticks"]);
  const { createdAt, cursor } = schedule!;
  const wanted = nextFiringsNow(KILLED_SCHEDULES.ticks.times, scheduler, createdAt.getTime(), 1_000)
    .filter((time) => time <= cursor.getTime())
    .reverse();
  expect(ticks.map(({ nominalAt }) => nominalAt.getTime())).toEqual(wanted);
  expect(filled).toHaveLength(FILLED.count);
  expect(asked.map(({ key }) => key)).toEqual(expect.arrayContaining([...triggered]));
  for (const { key, state, error, reason } of all.flat()) {
    expect({ key, state, error, reason }).toMatchObject({ state: "succeeded" });
  }
  expect([...(await runKeys(store))].sort()).toEqual(
    all
      .flat()
      .map(({ key }) => `schedule/${key}`)
      .sort(),
  );
  for (const [at, { name }] of KILLED_JOBS.entries()) {
    expect(rowsOf(file, name)).toEqual(all[at]!.map(({ nominalAt }) => nominalAt.toISOString()).sort());
  }
  console.log(`${place.kind}: ${ticks.length} ticks, ${asked.length} by hand, ${filled.length} filled in`);
  await store.close();
}

function rowsOf(file: string, table: string): readonly unknown[] {
  const database = new Database(file, { readonly: true });
  try {
    return database.prepare(`select tag from "${table}" order by tag`).pluck().all();
  } finally {
    database.close();
  }
}

async function inFolder(act: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-killed-"));
  try {
    await act(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
