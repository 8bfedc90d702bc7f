import { afterEach, describe, expect, test } from "vitest";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { SqliteJobStore } from "../../src/adapters/sqlite/sqlite-job-store.js";
import type { JobExecutor } from "../../src/executor/job-executor.js";
import { defineSchedule } from "../../src/schedules/define-schedule.js";
import type { ScheduleSpec } from "../../src/schedules/schedule-spec.js";
import { harness } from "../support/executor-harness.js";
import { Gate } from "../support/gate.js";
import { shown } from "./schedule-samples.js";

const MINUTE = 60_000;
let executor: JobExecutor | undefined;
afterEach(() => executor?.stop({ timeoutMs: 0, mode: "cancel" }));

const STORES = {
  MemoryJobStore: () => new MemoryJobStore(),
  SqliteJobStore: () => new SqliteJobStore({ path: ":memory:" }),
};

/** The run of the first minute fails in the third; nobody has looked at what is due meanwhile. */
async function failingLate(store: MemoryJobStore | SqliteJobStore, parts: Partial<ScheduleSpec>) {
  const gate = new Gate();
  const plays = {
    "select 1": async function* ({ signal }: { readonly signal: AbortSignal }) {
      await gate.pass(signal);
      throw new Error("broken");
    },
  };
  const schedule = defineSchedule({
    id: "s",
    trigger: { cron: "* * * * *" },
    job: "load",
    startImmediately: false,
    misfireGraceMs: 30_000,
    pauseAfterFailures: 1,
    ...parts,
  });
  const made = harness({ plays, store: store, schedules: [schedule] });
  ({ executor } = made);
  const { schedules } = made.executor;
  const states = async () => {
    const { occurrences } = await schedules.occurrences("s");
    return occurrences.map(({ state, nominalAt }) => `${shown(nominalAt)?.slice(11, 16)} ${state}`).reverse();
  };
  const until = async (isSo: () => Promise<boolean>) => {
    for (let turn = 0; turn < 200 && !(await isSo()); turn += 1) await made.clock.advance(0);
  };
  await made.executor.start();
  await made.clock.advance(MINUTE);
  await until(async () => (await states())[0]?.endsWith("started") === true);
  store.schedules.dueSchedules = () => Promise.resolve([]);
  store.schedules.nextScheduleDueAt = () => Promise.resolve(undefined);
  await made.clock.advance(2 * MINUTE);
  gate.open();
  await until(async () => (await schedules.get("s"))?.state === "paused");
  await until(async () => (await states()).every((state) => !/scheduled|started/.test(state)));
  return { states: await states(), schedule: await schedules.get("s") };
}

describe.each(Object.entries(STORES))("failures that pause a schedule, on %s,", (_, store) => {
  test("tell what was due until then", async () => {
    const { states, schedule } = await failingLate(store(), {});
    expect(states).toEqual(["00:01 failed", "00:02 missed", "00:03 skipped_overlap"]);
    expect(schedule).toMatchObject({ state: "paused", reason: "1 runs failed in a row", dueAt: null });
    expect(schedule).toMatchObject({ firings: 2, failed: 1, missed: 1, skipped: 1 });
  });

  test("fire what may start beside the run that failed", async () => {
    const { states, schedule } = await failingLate(store(), { overlap: "allow", catchUp: "all" });
    expect(states).toEqual(["00:01 failed", "00:02 failed", "00:03 failed"]);
    expect(schedule).toMatchObject({ state: "paused", firings: 3, failed: 3 });
  });

  test("call off what would have waited for it", async () => {
    const { states } = await failingLate(store(), { overlap: "buffer_all", catchUp: "all" });
    expect(states).toEqual(["00:01 failed", "00:02 cancelled", "00:03 cancelled"]);
  });

  test("leave nothing due of a schedule that goes on later", async () => {
    const { schedule } = await failingLate(store(), { trigger: { everyMs: 1_000, anchor: "2026-01-01T00:00:00Z" } });
    const { firings = 0, missed = 0 } = schedule ?? {};
    expect(firings + missed).toBe(180);
    expect(shown(schedule?.cursor)).toBe("2026-01-01T00:03:00");
  });
});
