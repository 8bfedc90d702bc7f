import { afterEach, expect, test } from "vitest";
import type { JobExecutor } from "../../src/executor/job-executor.js";
import type { Backfill } from "../../src/model/backfill.js";
import { defineSchedule } from "../../src/schedules/define-schedule.js";
import type { BackfillHandle } from "../../src/schedules/backfills.js";
import { Gate } from "../support/gate.js";
import { harness } from "../support/executor-harness.js";
import { shown, utc } from "./schedule-samples.js";

let executor: JobExecutor | undefined;
afterEach(async () => {
  await executor?.stop({ timeoutMs: 0, mode: "cancel" });
});

const daily = defineSchedule({ id: "daily", trigger: { cron: "0 6 * * *" }, job: "load", startImmediately: false });
const WEEK = { from: utc("2025-12-01T00:00:00"), to: utc("2025-12-08T00:00:00") };

async function started(options: Parameters<typeof harness>[0] = {}) {
  const made = harness({ plays: { "select 1": async function* () {} }, schedules: [daily], ...options });
  executor = made.executor;
  await made.executor.start();
  return made;
}

async function ended(made: Awaited<ReturnType<typeof started>>, handle: BackfillHandle): Promise<Backfill> {
  for (let turn = 0; turn < 300; turn += 1) {
    const backfill = await handle.get();
    if (backfill && backfill.endedAt !== null) return backfill;
    await made.clock.advance(0);
  }
  throw new Error(`The backfill is ${JSON.stringify(await handle.get())}.`);
}

test("fires every time of its range once, in its order, and leaves the schedule's counters alone", async () => {
  const made = await started();
  const { schedules } = made.executor;
  const handle = (await schedules.backfill("daily", { ...WEEK, order: "newest_first" }))._unsafeUnwrap();
  expect(await ended(made, handle)).toMatchObject({
    state: "completed",
    total: 7,
    started: 7,
    succeeded: 7,
    passedOver: 0,
  });
  const { runs } = await made.executor.listRuns({ limit: 10 });
  expect(runs.map(({ idempotencyKey }) => idempotencyKey?.slice(15, 25)).reverse()).toEqual(
    [7, 6, 5, 4, 3, 2, 1].map((day) => `2025-12-0${day}`),
  );
  expect(await schedules.get("daily")).toMatchObject({ firings: 0, succeeded: 0 });
});

test("a dry run tells what it would fire, and what it leaves alone", async () => {
  const made = await started();
  const { schedules } = made.executor;
  const two = { from: WEEK.from, to: utc("2025-12-03T00:00:00") };
  await ended(made, (await schedules.backfill("daily", two))._unsafeUnwrap());
  const plan = (await schedules.planBackfill("daily", WEEK))._unsafeUnwrap();
  expect(plan.passedOver.map(shown)).toEqual(["2025-12-01T06:00:00", "2025-12-02T06:00:00"]);
  expect(plan.fires).toHaveLength(5);
  expect((await schedules.planBackfill("daily", { ...WEEK, reprocess: "all" }))._unsafeUnwrap().fires).toHaveLength(7);
  expect((await schedules.listBackfills()).map(({ state }) => state)).toEqual(["completed"]);
});

test("reprocess: failed repeats what failed, and nothing else", async () => {
  let isBroken = true;
  const made = await started({
    plays: {
      "select 1": async function* () {
        if (isBroken) throw new Error("broken");
      },
    },
  });
  const { schedules } = made.executor;
  const first = await ended(
    made,
    (await schedules.backfill("daily", { ...WEEK, to: utc("2025-12-03T00:00:00") }))._unsafeUnwrap(),
  );
  expect(first).toMatchObject({ failed: 2, succeeded: 0 });
  isBroken = false;
  const none = await ended(made, (await schedules.backfill("daily", WEEK))._unsafeUnwrap());
  expect(none).toMatchObject({ passedOver: 2, succeeded: 5 });
  const failed = await ended(
    made,
    (await schedules.backfill("daily", { ...WEEK, reprocess: "failed" }))._unsafeUnwrap(),
  );
  expect(failed).toMatchObject({ passedOver: 5, succeeded: 2 });
});

test("no more of its runs are open than its concurrency allows; a cancel ends them", async () => {
  const gate = new Gate();
  let running = 0;
  let most = 0;
  const made = await started({
    plays: {
      "select 1": async function* ({ signal }) {
        most = Math.max(most, ++running);
        try {
          await gate.pass(signal);
        } finally {
          running -= 1;
        }
      },
    },
  });
  const { schedules } = made.executor;
  const handle = (await schedules.backfill("daily", { ...WEEK, concurrency: 2 }))._unsafeUnwrap();
  while (running < 2) await made.clock.advance(0);
  for (let turn = 0; turn < 20; turn += 1) await made.clock.advance(0);
  expect(await handle.get()).toMatchObject({ started: 2, state: "running" });
  expect(await handle.cancel()).toBe(true);
  expect(await ended(made, handle)).toMatchObject({ state: "cancelled", started: 2, cancelled: 2 });
  expect(most).toBe(2);
  expect(await handle.cancel()).toBe(false);
});

test("bad ranges are refused with their field", async () => {
  const made = await started();
  const refusal = async (options: object) => {
    return (await made.executor.schedules.backfill("daily", { ...WEEK, ...options }))._unsafeUnwrapErr();
  };
  expect(await refusal({ to: WEEK.from })).toMatchObject({ code: "invalid_definition", field: "to" });
  expect(await refusal({ concurrency: 0 })).toMatchObject({ field: "concurrency" });
  expect(await refusal({ order: "sideways" })).toMatchObject({ field: "order" });
  expect((await made.executor.schedules.backfill("nightly", WEEK))._unsafeUnwrapErr().code).toBe("unknown_schedule");
});
