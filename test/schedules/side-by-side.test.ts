import { afterEach, expect, test } from "vitest";
import { defineSchedule } from "../../src/schedules/define-schedule.js";
import type { ScheduleSpec } from "../../src/schedules/schedule-spec.js";
import { harness } from "../support/executor-harness.js";
import { Gate } from "../support/gate.js";
import { leftBehind } from "./left-behind.js";
import { shown } from "./schedule-samples.js";

const HOUR = 3_600_000;
const all: Made[] = [];
afterEach(async () => {
  for (const { executor, clock } of all.splice(0)) {
    let isStopped = false;
    void executor.stop({ timeoutMs: 0, mode: "cancel" }).then(() => (isStopped = true));
    while (!isStopped) await clock.advance(1);
  }
});

type Made = ReturnType<typeof harness>;

function made(options: Parameters<typeof harness>[0] = {}): Made {
  const one = harness({ plays: { "select 1": async function* () {} }, ...options });
  all.push(one);
  return one;
}

const spec = (parts: Partial<ScheduleSpec> = {}) => {
  const trigger = { cron: "0 * * * *" };
  return defineSchedule({ id: "s", trigger, job: "load", startImmediately: false, ...parts });
};

async function statesOf({ store }: Made): Promise<readonly string[]> {
  const occurrences = await store.schedules.listOccurrences({ scheduleId: "s", limit: 100 });
  return occurrences.map(({ state, nominalAt }) => `${shown(nominalAt)?.slice(11, 16)} ${state}`).reverse();
}

async function until(one: Made, wanted: readonly string[]): Promise<void> {
  for (let turn = 0; turn < 100; turn += 1) {
    if (JSON.stringify(await statesOf(one)) === JSON.stringify(wanted)) return;
    await one.clock.advance(0);
  }
  expect(await statesOf(one)).toEqual(wanted);
}

/** Each run waits for a gate of its own. */
function gated() {
  const gates: Gate[] = [];
  const play = async function* ({ signal }: { readonly signal: AbortSignal }) {
    const gate = new Gate();
    gates.push(gate);
    await gate.pass(signal);
  };
  return { gates, plays: { "select 1": play } };
}

test("what begins to wait while a run's end is noted is not forgotten", async () => {
  const { gates, plays } = gated();
  const one = made({ plays, schedules: [spec({ overlap: "buffer_one" })] });
  await one.executor.start();
  await one.clock.advance(HOUR);
  await until(one, ["01:00 started"]);

  // Two questions at once may be answered in any order: here another process fires between them.
  const store = one.store.schedules;
  const { getSchedules } = store;
  let isFired = false;
  store.getSchedules = async (ids) => {
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    if (!isFired) {
      isFired = true;
      const [schedule] = await getSchedules.call(store, ["s"]);
      const waiting = leftBehind({
        key: "s@2026-01-01T02:00:00.000Z",
        nominalAt: new Date("2026-01-01T02:00:00Z"),
        state: "buffered",
      });
      const next = { ...schedule!, version: schedule!.version + 1, nextAt: null, dueAt: null };
      expect(await store.advance([{ schedule: next, insert: [waiting] }])).toEqual([true]);
    }
    return getSchedules.call(store, ids);
  };
  gates[0]?.open();
  await until(one, ["01:00 succeeded", "02:00 started"]);
  while (gates.length < 2) await one.clock.advance(0);
});

test("a backfill ends, also when its schedule was the last one and is deleted", async () => {
  const { plays } = gated();
  const one = made({ plays, schedules: [spec()] });
  await one.executor.start();
  const range = { from: new Date("2025-12-01T00:00:00Z"), to: new Date("2025-12-01T03:00:00Z") };
  const handle = (await one.executor.schedules.backfill("s", range))._unsafeUnwrap();
  await until(one, ["00:00 started"]);
  (await one.executor.schedules.delete("s"))._unsafeUnwrap();
  await one.clock.advance(10 * 60_000);
  expect(await handle.get()).toMatchObject({ state: "cancelled", cancelled: 1 });
  expect(await statesOf(one)).toEqual(["00:00 cancelled"]);
});

test("the run of a schedule that was the last one and is deleted ends on its entry", async () => {
  const { gates, plays } = gated();
  const one = made({ plays, schedules: [spec()] });
  await one.executor.start();
  await one.clock.advance(HOUR);
  await until(one, ["01:00 started"]);
  (await one.executor.schedules.delete("s"))._unsafeUnwrap();
  await one.clock.advance(10 * 60_000);
  gates[0]?.open();
  await one.clock.advance(10 * 60_000);
  expect(await statesOf(one)).toEqual(["01:00 succeeded"]);
});

test("a refusal does not end what another process has started by then", async () => {
  const { plays } = gated();
  const one = made({ plays, schedules: [spec()] });
  await one.executor.start();
  const store = one.store.schedules;
  const { runsOf } = store;
  store.runsOf = async (keys) => {
    const known = await runsOf.call(store, keys);
    for (const key of keys) {
      const found = await store.getOccurrence(key);
      if (found)
        await store.advance([{ update: [{ from: "scheduled", to: { ...found, state: "started", runId: run.id } }] }]);
    }
    return known;
  };
  const run = await one.executor.submitOrThrow("load");
  one.engine.planError = new Error("the plan is bad here");
  await one.clock.advance(HOUR);
  await one.clock.advance(0);
  expect(await statesOf(one)).toEqual(["01:00 started"]);
});

test("what waits is called off with what it waits for, when their schedule is gone", async () => {
  const one = made({ schedules: [spec({ id: "t" })] });
  await one.executor.start();
  const waiting = leftBehind({
    key: "s@2026-01-01T00:01:00.000Z",
    nominalAt: new Date("2026-01-01T00:01:00Z"),
    state: "buffered",
  });
  await one.store.schedules.advance([{ insert: [leftBehind(), waiting] }]);
  await one.clock.advance(60_000);
  expect(await statesOf(one)).toEqual(["00:00 cancelled", "00:01 cancelled"]);
});

test("what is done for a schedule is not done to another one of its id", async () => {
  const one = made({ schedules: [spec()] });
  await one.executor.start();
  const { schedules } = one.executor;
  const store = one.store.schedules;
  const { openOccurrences } = store;
  let isMade = false;
  store.openOccurrences = async (ids) => {
    const open = await openOccurrences.call(store, ids);
    if (!isMade) {
      isMade = true;
      (await schedules.delete("s"))._unsafeUnwrap();
      (await schedules.create(spec({ trigger: { cron: "30 * * * *" } })))._unsafeUnwrap();
    }
    return open;
  };
  await one.clock.advance(HOUR);
  await one.clock.advance(0);
  expect(isMade).toBe(true);
  const [found] = await store.getSchedules(["s"]);
  expect(found?.definition.times.triggers[0]).toMatchObject({ expression: "30 * * * *" });
});

test("what was due before a pause is told, after a machine has slept", async () => {
  const one = made({ schedules: [spec()] });
  await one.executor.start();
  one.clock.jumpTo(one.clock.now() + 3 * HOUR + 5 * 60_000);
  const paused = (await one.executor.schedules.pause("s"))._unsafeUnwrap();
  expect(paused).toMatchObject({ state: "paused", missed: 3, nextAt: null });
  expect(await one.store.schedules.listOccurrences({ scheduleId: "s", limit: 9 })).toMatchObject([
    { state: "missed", count: 3 },
  ]);
});

test("an update of the jitter makes no firing too late that was put off by the one before", async () => {
  const one = made({ schedules: [spec({ jitterMs: 4 * HOUR })] });
  await one.executor.start();
  const { schedules } = one.executor;
  let { dueAt, nextAt } = (await schedules.get("s"))!;
  // One of the firings is put off by so much that it is late without its jitter.
  while (dueAt!.getTime() - nextAt!.getTime() < HOUR) {
    await one.clock.advance(dueAt!.getTime() - one.clock.now());
    ({ dueAt, nextAt } = (await schedules.get("s"))!);
  }
  const { missed } = (await schedules.update(spec()))._unsafeUnwrap();
  await one.clock.advance(dueAt!.getTime() - one.clock.now());
  await one.clock.advance(0);
  const first = await one.store.schedules.getOccurrence(`s@${nextAt!.toISOString()}`);
  expect(first).toMatchObject({ cause: "trigger", state: "succeeded" });
  expect(missed).toBe(0);
});
