import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { SqliteJobStore } from "../../src/adapters/sqlite/sqlite-job-store.js";
import { defineJob } from "../../src/jobs/define-job.js";
import type { JobExecutor } from "../../src/executor/job-executor.js";
import { defineSchedule } from "../../src/schedules/define-schedule.js";
import { harness } from "../support/executor-harness.js";

let executor: JobExecutor | undefined;
afterEach(() => executor?.stop({ timeoutMs: 0, mode: "cancel" }));

const folder = await mkdtemp(join(tmpdir(), "millrace-unknown-"));
afterAll(() => rm(folder, { recursive: true }));

const MINUTE = 60_000;
const spec = { trigger: { cron: "* * * * *" }, startImmediately: false };

/** So many schedules of a job that nobody has any more, and a few behind them, at the same times. */
async function behind(unknown: number, known: number, store = new MemoryJobStore()) {
  const gone = defineJob({ name: "gone", query: "select 2", destination: { table: "out.t", mode: "append" } });
  const make = (id: string, job: string) => defineSchedule({ ...spec, id, job });
  const before = harness({
    store,
    jobs: [gone],
    schedules: Array.from({ length: unknown }, (_, at) => make(`a${at}`, "gone")),
  });
  await before.executor.start();
  await before.executor.stop();
  const schedules = Array.from({ length: known }, (_, at) => make(`z${at}`, "load"));
  const made = harness({ store, clock: before.clock, schedules });
  ({ executor } = made);
  await made.executor.start();
  const firedOf = async () => {
    const all = await Promise.all(schedules.map(({ id }) => made.executor.schedules.occurrences(id)));
    return all.filter(({ occurrences }) => occurrences.length > 0).length;
  };
  /** Each look takes turns of the loop, and no time of the clock. */
  const untilFired = async () => {
    for (let turn = 0; turn < 100 && (await firedOf()) < known; turn += 1) await made.clock.advance(0);
    return firedOf();
  };
  return { ...made, untilFired };
}

test.each([
  ["all of the first pages", 1_000, 10, 400],
  ["nearly all of the first page", 199, 450, 100],
] as const)("schedules of unknown jobs that are %s delay no others", async (_, unknown, known, withinMs) => {
  const { clock, untilFired, executor: it, store } = await behind(unknown, known);
  let looks = 0;
  const { dueSchedules } = store.schedules;
  store.schedules.dueSchedules = (limit, skip) => {
    looks += 1;
    return dueSchedules.call(store.schedules, limit, skip);
  };
  await clock.advance(MINUTE + withinMs);
  expect(await untilFired()).toBe(known);
  expect(looks).toBeLessThan(50);
  // They themselves are left to others, and then told.
  expect((await it.schedules.occurrences("a0")).occurrences).toEqual([]);
  await clock.advance(10_000);
  expect((await it.schedules.occurrences("a0")).occurrences).toMatchObject([{ error: { code: "unknown_job" } }]);
});

test("nor do they on a ledger with a file", async () => {
  const store = new SqliteJobStore({ path: join(folder, "ledger.db") });
  const { clock, untilFired } = await behind(450, 5, store as never);
  await clock.advance(MINUTE + 400);
  expect(await untilFired()).toBe(5);
});
