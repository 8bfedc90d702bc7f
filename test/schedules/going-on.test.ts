import { afterEach, describe, expect, test } from "vitest";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import type { JobExecutor } from "../../src/executor/job-executor.js";
import { defineJob } from "../../src/jobs/define-job.js";
import { runKey } from "../../src/model/occurrence-key.js";
import { defineSchedule } from "../../src/schedules/define-schedule.js";
import type { ScheduleSpec } from "../../src/schedules/schedule-spec.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { harness } from "../support/executor-harness.js";
import { Gate } from "../support/gate.js";
import { runLike } from "../support/run-like.js";
import { leftBehind } from "./left-behind.js";
import { shown } from "./schedule-samples.js";

const HOUR = 3_600_000;
const executors: JobExecutor[] = [];
afterEach(async () => {
  for (const executor of executors.splice(0)) await executor.stop({ timeoutMs: 0, mode: "cancel" });
});

type Made = ReturnType<typeof harness>;

async function started(options: Parameters<typeof harness>[0] = {}): Promise<Made> {
  const made = harness({ plays: { "select 1": async function* () {} }, ...options });
  executors.push(made.executor);
  await made.executor.start();
  return made;
}

const spec = (parts: Partial<ScheduleSpec> = {}) => {
  const trigger = { cron: "0 * * * *" };
  return defineSchedule({ id: "s", trigger, job: "load", startImmediately: false, ...parts });
};

async function statesOf({ executor }: Made, id = "s"): Promise<readonly string[]> {
  const { occurrences } = await executor.schedules.occurrences(id);
  return occurrences.map(({ state, nominalAt }) => `${shown(nominalAt)?.slice(11, 16)} ${state}`).reverse();
}

async function until(made: Made, wanted: readonly string[], id = "s"): Promise<void> {
  for (let turn = 0; turn < 100; turn += 1) {
    if (JSON.stringify(await statesOf(made, id)) === JSON.stringify(wanted)) return;
    await made.clock.advance(0);
  }
  expect(await statesOf(made, id)).toEqual(wanted);
}

/** Ends when its gate opens, or when it is cancelled. */
function gated() {
  const gate = new Gate();
  const play = async function* ({ signal }: { readonly signal: AbortSignal }) {
    await gate.pass(signal);
  };
  return { gate, plays: { "select 1": play } };
}

describe("nothing stands still for ever", () => {
  test("one that is made anew at the moment of its first firing fires on", async () => {
    const made = await started();
    const { schedules } = made.executor;
    const definition = spec({ startImmediately: true });
    (await schedules.create(definition))._unsafeUnwrap();
    await until(made, ["00:00 succeeded"]);
    (await schedules.delete("s"))._unsafeUnwrap();
    (await schedules.create(definition))._unsafeUnwrap();
    await made.clock.advance(HOUR);
    await until(made, ["00:00 succeeded", "01:00 succeeded"]);
  });

  test("one that goes on after the clock was put back fires nothing twice, and what is new", async () => {
    const made = await started({ schedules: [spec()] });
    await made.clock.advance(2 * HOUR);
    await until(made, ["01:00 succeeded", "02:00 succeeded"]);
    made.clock.jumpTo(made.clock.now() - 2 * HOUR);
    const { schedules } = made.executor;
    const facts = (await schedules.explain("s"))._unsafeUnwrap().facts.join(" ");
    expect(facts).toContain("The clock was put back");
    (await schedules.pause("s"))._unsafeUnwrap();
    (await schedules.resume("s"))._unsafeUnwrap();
    await made.clock.advance(3 * HOUR);
    await until(made, ["01:00 succeeded", "02:00 succeeded", "03:00 succeeded"]);
    expect(await schedules.get("s")).toMatchObject({ firings: 3, succeeded: 3 });
  });

  test("an interval from completion whose firing was skipped goes on after the run that was in its way", async () => {
    const { gate, plays } = gated();
    const made = await started({ plays, schedules: [spec({ trigger: { everyMs: 60_000 } })] });
    const { schedules } = made.executor;
    (await schedules.trigger("s"))._unsafeUnwrap();
    await made.clock.advance(60_000);
    await until(made, ["00:00 started", "00:01 skipped_overlap"]);
    gate.open();
    await until(made, ["00:00 succeeded", "00:01 skipped_overlap"]);
    await made.clock.advance(60_000);
    await until(made, ["00:00 succeeded", "00:01 skipped_overlap", "00:02 succeeded"]);
  });

  test("one that was paused over its last time is finished when it is resumed", async () => {
    const made = await started({ schedules: [spec({ trigger: { at: "2026-01-01T01:00:00Z" } })] });
    const { schedules } = made.executor;
    (await schedules.pause("s"))._unsafeUnwrap();
    await made.clock.advance(2 * HOUR);
    expect((await schedules.resume("s"))._unsafeUnwrap()).toMatchObject({
      state: "finished",
      reason: "it does not fire again",
    });
  });

  test("a submit that hangs keeps no other schedule waiting, nor the executor from stopping", async () => {
    const other = defineJob({ name: "other", query: "select 2", destination: { table: "out.u", mode: "append" } });
    const load = defineJob({ name: "load", query: "select 1", destination: { table: "out.t", mode: "append" } });
    const made = await started({ jobs: [load, other], schedules: [spec(), spec({ id: "t", job: "other" })] });
    const describeQuery = made.engine.describe.bind(made.engine);
    let hangs = true;
    made.engine.describe = (query, signal) => {
      const isOther = query.template.some((part) => "text" in part && part.text.includes("2"));
      return hangs && isOther ? new Promise(() => undefined) : describeQuery(query, signal);
    };
    await made.clock.advance(HOUR);
    await made.clock.advance(6_000);
    await until(made, ["01:00 succeeded"]);
    expect(await statesOf(made, "t")).toEqual(["01:00 scheduled"]);
    await made.clock.advance(HOUR);
    await until(made, ["01:00 succeeded", "02:00 succeeded"]);
    expect((await made.executor.schedules.get("s"))?.last?.at.getTime()).toBeLessThan(Date.UTC(2026, 0, 1, 2, 0, 10));
    hangs = false;
    await made.clock.advance(40_000);
    await until(made, ["01:00 succeeded", "02:00 skipped_overlap"], "t");
    hangs = true;
    await made.clock.advance(HOUR);
  });

  test("a ledger that never answers does not keep the executor from stopping", async () => {
    const made = await started({ schedules: [spec()] });
    made.store.schedules.dueSchedules = () => new Promise(() => undefined);
    await made.clock.advance(HOUR);
    const stopped = executors.pop()?.stop();
    await made.clock.advance(10_000);
    await stopped;
  });

  test("a definition in the ledger that cannot be carried out is paused with its reason; the others fire", async () => {
    const made = await started({ schedules: [spec(), spec({ id: "t" })] });
    const [good] = await made.store.schedules.getSchedules(["s"]);
    const trigger = {
      kind: "cron",
      expression: "9 9 9 9 9 9 9",
      timeZone: "Mars",
      gap: "skip",
      overlap: "both",
    } as const;
    const definition = { ...good!.definition, times: { ...good!.definition.times, triggers: [trigger] as const } };
    await made.store.schedules.advance([{ schedule: { ...good!, version: good!.version + 1, definition } }]);
    await made.clock.advance(HOUR);
    await until(made, ["01:00 succeeded"], "t");
    const bad = await made.executor.schedules.get("s");
    expect(bad).toMatchObject({ state: "paused", reason: expect.stringContaining("Mars") as unknown, dueAt: null });
    expect(made.log.lines.filter((line) => line.includes("cannot be fired"))).toHaveLength(1);
  });

  test("an occurrence that a deleted schedule left behind is called off", async () => {
    const made = await started({ schedules: [spec()] });
    const { schedules: store } = made.store;
    const orphan = leftBehind({ scheduleId: "gone", key: "gone@2026-01-01T00:00:00.000Z" });
    await store.advance([{ insert: [orphan] }]);
    await made.clock.advance(40_000);
    expect(await store.getOccurrence(orphan.key)).toMatchObject({
      state: "cancelled",
      reason: "its schedule is not there, or cannot be read",
    });
  });

  test("a run that a process made before it died is its occurrence's, also when the job is refused by now", async () => {
    const made = await started({ schedules: [spec()] });
    const orphan = leftBehind();
    const like = await (await made.executor.submitOrThrow("load")).get();
    await made.store.createRuns([runLike(like!, { id: "of-the-dead", idempotencyKey: runKey(orphan.key) })]);
    await made.clock.advance(0);
    made.engine.planError = new Error("the plan is bad by now");
    await made.store.schedules.advance([{ insert: [orphan] }]);
    await made.clock.advance(40_000);
    await until(made, ["00:00 succeeded"]);
    expect((await made.executor.schedules.occurrences("s")).occurrences).toMatchObject([{ runId: "of-the-dead" }]);
  });

  test("a clock that was put back puts no sweep off", async () => {
    const made = await started({ schedules: [spec()] });
    made.clock.jumpTo(made.clock.now() - 365 * 24 * HOUR);
    const orphan = leftBehind({ createdAt: new Date("2026-01-01T00:00:00Z") });
    await made.store.schedules.advance([{ insert: [orphan] }]);
    made.executor.schedules.preview(spec(), 1);
    (await made.executor.schedules.pause("s"))._unsafeUnwrap();
    await made.clock.advance(40_000);
    await until(made, ["00:00 succeeded"]);
  });

  test("a backfill of which no firings can be told any more is cancelled, and all others go on", async () => {
    const { gate, plays } = gated();
    const made = await started({ plays, schedules: [spec(), spec({ id: "t" })] });
    const { schedules } = made.executor;
    const range = { from: new Date("2025-12-01T00:00:00Z"), to: new Date("2025-12-01T03:00:00Z") };
    const handle = (await schedules.backfill("s", range))._unsafeUnwrap();
    await until(made, ["00:00 started"]);
    (await schedules.update(spec({ trigger: { everyMs: 60_000 } })))._unsafeUnwrap();
    gate.open();
    for (let turn = 0; turn < 100 && (await handle.get())?.endedAt === null; turn += 1) await made.clock.advance(0);
    expect(await handle.get()).toMatchObject({ state: "cancelled", started: 1 });
    await made.clock.advance(HOUR);
    await until(made, ["01:00 succeeded"], "t");
  });

  test("a backfill whose submits are refused comes to its end all the same", async () => {
    const made = await started({ schedules: [spec()] });
    made.engine.planError = new Error("no plan");
    const range = { from: new Date("2025-12-01T00:00:00Z"), to: new Date("2025-12-02T00:00:00Z") };
    const handle = (await made.executor.schedules.backfill("s", range))._unsafeUnwrap();
    for (let turn = 0; turn < 300 && (await handle.get())?.endedAt === null; turn += 1) await made.clock.advance(0);
    expect(await handle.get()).toMatchObject({ state: "completed", started: 24, failed: 24 });
  });

  test("with no progress, the ledger is not asked all the time", async () => {
    const made = await started({ schedules: [spec()] });
    let asked = 0;
    const { dueSchedules } = made.store.schedules;
    made.store.schedules.dueSchedules = (...page) => {
      asked += 1;
      return dueSchedules.call(made.store.schedules, ...page);
    };
    made.store.schedules.advance = (changes) => Promise.resolve(changes.map(() => false));
    await made.clock.advance(HOUR + 1_000);
    expect(asked).toBeLessThan(200);
  });
});

describe("no firing is lost", () => {
  test("when the definition changes otherwise than in its times: what is due stays due, and windows stay whole", async () => {
    const job = defineJob({
      name: "load",
      query: "select 1 where {since} < {until} or {n} = 0",
      params: { since: "VARCHAR", until: "VARCHAR", n: "INTEGER" },
      destination: { table: "out.t", mode: "append" },
    });
    const parts = { job, times: { since: "previous", until: "nominal" }, params: { n: 1 } } as const;
    const made = await started({ jobs: [job], schedules: [spec(parts)] });
    await made.clock.advance(1.5 * HOUR);
    (await made.executor.schedules.update(spec({ ...parts, params: { n: 2 } })))._unsafeUnwrap();
    await made.clock.advance(HOUR);
    (await made.executor.schedules.update(spec({ ...parts, trigger: { cron: "15 * * * *" } })))._unsafeUnwrap();
    await made.clock.advance(HOUR);
    const { runs } = await made.executor.listRuns({ limit: 10 });
    expect(runs.map(({ parameters }) => parameters).reverse()).toEqual([
      { since: "2026-01-01T00:00:00.000Z", until: "2026-01-01T01:00:00.000Z", n: 1 },
      { since: "2026-01-01T01:00:00.000Z", until: "2026-01-01T02:00:00.000Z", n: 2 },
      { since: "2026-01-01T02:00:00.000Z", until: "2026-01-01T03:15:00.000Z", n: 1 },
    ]);
  });

  test("when it gets other times after a downtime: what was due by the old ones is told", async () => {
    const made = await started({ schedules: [spec()] });
    await made.executor.stop();
    await made.clock.advance(3.5 * HOUR);
    const again = await started({
      store: made.store,
      clock: made.clock,
      schedules: [spec({ trigger: { cron: "15 * * * *" } })],
    });
    expect((await again.executor.schedules.occurrences("s")).occurrences).toMatchObject([
      { state: "missed", count: 3 },
    ]);
    await again.clock.advance(HOUR);
    await until(again, ["01:00 missed", "04:15 succeeded"]);
  });

  test("when two processes put the same new schedule", async () => {
    const store = new MemoryJobStore();
    const clock = new ManualClock();
    const make = () => harness({ store, clock, schedules: [spec({ startImmediately: true })] });
    const both = [make(), make()];
    executors.push(...both.map(({ executor }) => executor));
    await Promise.all(both.map(({ executor }) => executor.start()));
    await until(both[0]!, ["00:00 succeeded"]);
  });

  test("when this process does not know the job, and another one does", async () => {
    const store = new MemoryJobStore();
    const clock = new ManualClock();
    const other = defineJob({ name: "other", query: "select 2", destination: { table: "out.t", mode: "append" } });
    const knows = await started({ store, clock, jobs: [other] });
    (await knows.executor.schedules.create(spec({ job: "other" })))._unsafeUnwrap();
    const made = await started({ store, clock });
    await made.clock.advance(HOUR);
    await until(made, ["01:00 succeeded"]);
    await executors.shift()?.stop({ timeoutMs: 0, mode: "cancel" });
    await made.clock.advance(HOUR + 10_000);
    await until(made, ["01:00 succeeded", "02:00 failed"]);
    const { occurrences } = await made.executor.schedules.occurrences("s");
    expect(occurrences[0]?.error?.code).toBe("unknown_job");
  });

  test("firings by hand do not use up those that it may fire", async () => {
    const made = await started({ schedules: [spec({ maxFirings: 2 })] });
    const { schedules } = made.executor;
    (await schedules.trigger("s"))._unsafeUnwrap();
    expect((await schedules.nextFireTimes("s", 9))._unsafeUnwrap()).toHaveLength(2);
    await made.clock.advance(3 * HOUR);
    await until(made, ["00:00 succeeded", "01:00 succeeded", "02:00 succeeded"]);
    expect(await schedules.get("s")).toMatchObject({ state: "finished", firings: 2, succeeded: 3 });
    expect((await schedules.nextFireTimes("s", 9))._unsafeUnwrap()).toEqual([]);
  });
});

describe("many at once", () => {
  test("the ends of hundreds of firings of one schedule, or of one backfill, come to it in one change", async () => {
    const { gate, plays } = gated();
    const trigger = { cron: "* * * * *" };
    const made = await started({
      plays,
      maxConcurrentRuns: 400,
      schedules: [spec({ trigger, overlap: "allow" })],
    });
    const { schedules } = made.executor;
    await made.clock.advance(120 * 60_000);
    const range = { from: new Date("2025-12-01T00:00:00Z"), to: new Date("2025-12-01T02:00:00Z"), concurrency: 200 };
    const handle = (await schedules.backfill("s", range))._unsafeUnwrap();
    for (let turn = 0; turn < 60; turn += 1) await made.clock.advance(0);
    const { store } = made;
    const advance = store.schedules.advance.bind(store.schedules);
    let acts = 0;
    store.schedules.advance = (changes) => {
      acts += 1;
      return advance(changes);
    };
    gate.open();
    for (let turn = 0; turn < 300 && (await handle.get())?.endedAt === null; turn += 1) await made.clock.advance(0);
    expect(await handle.get()).toMatchObject({ state: "completed", succeeded: 120 });
    for (let turn = 0; turn < 30; turn += 1) await made.clock.advance(0);
    expect(await schedules.get("s")).toMatchObject({ succeeded: 120 });
    expect(acts).toBeLessThan(200);
  });

  test("a backfill's windows reach to the nominal time before its range", async () => {
    const job = defineJob({
      name: "load",
      query: "select 1 where {since} < {until}",
      params: { since: "VARCHAR", until: "VARCHAR" },
      destination: { table: "out.t", mode: "append" },
    });
    const times = { since: "previous", until: "nominal" } as const;
    const made = await started({ jobs: [job], schedules: [spec({ trigger: { cron: "0 6 * * *" }, job, times })] });
    const range = { from: new Date("2025-12-02T00:00:00Z"), to: new Date("2025-12-04T00:00:00Z") };
    const handle = (await made.executor.schedules.backfill("s", range))._unsafeUnwrap();
    for (let turn = 0; turn < 300 && (await handle.get())?.endedAt === null; turn += 1) await made.clock.advance(0);
    const { runs } = await made.executor.listRuns({ limit: 10 });
    expect(runs.map(({ parameters }) => parameters).reverse()).toEqual([
      { since: "2025-12-01T06:00:00.000Z", until: "2025-12-02T06:00:00.000Z" },
      { since: "2025-12-02T06:00:00.000Z", until: "2025-12-03T06:00:00.000Z" },
    ]);
  });

  test("tens of thousands of missed firings are counted, in steps that leave the host its turn", async () => {
    const everySecond = spec({ trigger: { everyMs: 1_000, anchor: "2026-01-01T00:00:00Z" }, catchUp: "latest" });
    const made = await started({ schedules: [everySecond] });
    const schedule = (await made.store.schedules.getSchedules(["s"]))[0]!;
    const later = new Date(schedule.cursor.getTime() + 40_000_000);
    made.clock.jumpTo(later);
    for (let turn = 0; turn < 2_000; turn += 1) {
      await made.clock.advance(100);
      const { dueAt } = (await made.executor.schedules.get("s"))!;
      if (dueAt!.getTime() > made.clock.now()) break;
    }
    const found = (await made.executor.schedules.get("s"))!;
    expect(found.missed + found.firings).toBe((found.cursor.getTime() - schedule.createdAt.getTime()) / 1_000);
    expect(found.missed).toBeGreaterThan(39_000);
  });

  test.each([
    ["an interval", { everyMs: 1_000, anchor: "2026-01-01T00:00:00Z" }, 365, 1],
    ["an expression", { cron: "* * * * * *", timeZone: "Europe/Paris" }, 3, 13],
  ] as const)("firings of each second, of %s, are missed for long: in few acts", async (_, trigger, days, entries) => {
    const made = await started({ schedules: [spec({ trigger, catchUp: { kind: "all", maxCount: 5 } })] });
    const { createdAt } = (await made.executor.schedules.get("s"))!;
    made.clock.jumpTo(made.clock.now() + days * 24 * HOUR);
    let acts = 0;
    const advance = made.store.schedules.advance.bind(made.store.schedules);
    made.store.schedules.advance = (changes) => {
      if (changes.some(({ insert = [] }) => insert.some(({ state }) => state === "missed"))) acts += 1;
      return advance(changes);
    };
    const decided = async () => {
      const { missed, firings, skipped, dueAt, cursor } = (await made.executor.schedules.get("s"))!;
      return { missed, firings, skipped, cursor, isDone: dueAt!.getTime() > made.clock.now() };
    };
    while (!(await decided()).isDone) await made.clock.advance(20);
    const { missed, firings, cursor } = await decided();
    expect(missed + firings).toBe((cursor.getTime() - createdAt.getTime()) / 1_000);
    // Those of the grace fire, or are skipped; of those before, the newest.
    expect([60, 61]).toContain(firings);
    expect(acts).toBeLessThanOrEqual(entries);
  });

  test("thousands of declared schedules are put side by side, and asked for together when they are there", async () => {
    const schedules = Array.from({ length: 1_200 }, (_, at) => spec({ id: `s${at}` }));
    const store = new MemoryJobStore();
    const acts: string[] = [];
    let [under, most] = [0, 0];
    const { getSchedules, createSchedule } = store.schedules;
    store.schedules.getSchedules = (ids) => {
      acts.push("get");
      return getSchedules.call(store.schedules, ids);
    };
    store.schedules.createSchedule = async (schedule) => {
      acts.push("create");
      most = Math.max(most, (under += 1));
      const done = await createSchedule.call(store.schedules, schedule);
      under -= 1;
      return done;
    };
    const made = await started({ store, schedules });
    expect(acts.filter((act) => act === "create")).toHaveLength(1_200);
    expect(most).toBe(16);
    await executors.pop()?.stop();
    acts.length = 0;
    await started({ store, clock: made.clock, schedules });
    expect(acts).toEqual(["get", "get", "get"]);
  });

  test("occurrences are deleted when runs of their time are", async () => {
    const DAY = 24 * HOUR;
    const made = await started({ schedules: [spec({ maxFirings: 1 })] });
    await made.clock.advance(HOUR);
    await until(made, ["01:00 succeeded"]);
    made.clock.jumpTo(made.clock.now() + 89 * DAY);
    await made.clock.advance(80_000);
    expect(await statesOf(made)).toEqual(["01:00 succeeded"]);
    made.clock.jumpTo(made.clock.now() + DAY);
    await made.clock.advance(80_000);
    expect(await statesOf(made)).toEqual([]);
    expect(await made.executor.schedules.get("s")).toMatchObject({ succeeded: 1 });
  });

  test("backfills are deleted when runs of their time are", async () => {
    const DAY = 24 * HOUR;
    const made = await started({ schedules: [spec()] });
    const { schedules } = made.executor;
    (await schedules.pause("s"))._unsafeUnwrap();
    const to = new Date(made.clock.now());
    const range = { from: new Date(to.getTime() - HOUR), to };
    const handle = (await schedules.backfill("s", range))._unsafeUnwrap();
    await until(made, ["23:00 succeeded"]);
    await made.clock.advance(1_000);
    expect(await handle.get()).toMatchObject({ state: "completed" });
    made.clock.jumpTo(made.clock.now() + 90 * DAY - 100_000);
    await made.clock.advance(80_000);
    expect(await handle.get()).toMatchObject({ state: "completed" });
    await made.clock.advance(100_000);
    expect(await handle.get()).toBeUndefined();
  });

  test("a host without schedules asks the ledger nothing about them when its runs end", async () => {
    const made = await started();
    await made.clock.advance(10_000);
    let asked = 0;
    const { endedOccurrences } = made.store.schedules;
    made.store.schedules.endedOccurrences = (query) => {
      asked += 1;
      return endedOccurrences.call(made.store.schedules, query);
    };
    for (let run = 0; run < 10; run += 1) {
      const handle = await made.executor.submitOrThrow("load");
      await made.clock.advance(0);
      await handle.result();
    }
    await made.clock.advance(10_000);
    expect(asked).toBe(0);
  });
});

describe("what is told is so", () => {
  test("a firing by hand that is to replace the run does so", async () => {
    const { plays } = gated();
    const made = await started({ plays, schedules: [spec()] });
    const { schedules } = made.executor;
    await made.clock.advance(HOUR);
    await until(made, ["01:00 started"]);
    await made.clock.advance(60_000);
    const asked = (await schedules.trigger("s", { overlap: "cancel_running" }))._unsafeUnwrap();
    expect(asked.state).toBe("buffered");
    await until(made, ["01:00 cancelled", "01:01 started"]);
    // Until its query is under way.
    for (let turn = 0; turn < 30; turn += 1) await made.clock.advance(0);
    const bad = (await schedules.trigger("s", { overlap: "sometimes" as "skip" }))._unsafeUnwrapErr();
    expect(bad).toMatchObject({ code: "invalid_definition", field: "overlap" });
  });

  test("a firing by hand that is to replace a run does so when that is only being submitted", async () => {
    const { plays } = gated();
    const made = await started({ plays, schedules: [spec()] });
    const { schedules } = made.executor;
    const describeQuery = made.engine.describe.bind(made.engine);
    const submits = new Gate();
    made.engine.describe = async (query, signal) => {
      await submits.pass();
      return describeQuery(query, signal);
    };
    await made.clock.advance(HOUR);
    await until(made, ["01:00 scheduled"]);
    await made.clock.advance(1_000);
    const asked = (await schedules.trigger("s", { overlap: "cancel_running" }))._unsafeUnwrap();
    expect(asked.state).toBe("buffered");
    submits.open();
    await until(made, ["01:00 cancelled", "01:00 started"]);
  });

  test("an occurrence whose run ended before anybody noted it names its run", async () => {
    const made = await started({ schedules: [spec()] });
    const { schedules: store } = made.store;
    const advance = store.advance.bind(store);
    // The mark comes too late, as from a process that stands still.
    store.advance = (changes) => {
      const isMark = changes.some(({ update = [] }) => update.some(({ to }) => to.state === "started"));
      return isMark ? Promise.resolve(changes.map(() => false)) : advance(changes);
    };
    await made.clock.advance(HOUR);
    await until(made, ["01:00 succeeded"]);
    const { occurrences } = await made.executor.schedules.occurrences("s");
    expect(await made.executor.getRun(occurrences[0]?.runId ?? "")).toMatchObject({ status: "succeeded" });
    expect((await made.executor.schedules.get("s"))?.last?.runId).toBe(occurrences[0]?.runId);
  });

  test("what waits is called off when the schedule is paused, by hand or by failures", async () => {
    const gates = [new Gate(), new Gate()];
    let runs = 0;
    const plays = {
      "select 1": async function* () {
        await gates[runs++]?.pass();
        throw new Error("broken");
      },
    };
    const made = await started({ plays, schedules: [spec({ overlap: "buffer_all", pauseAfterFailures: 1 })] });
    await made.clock.advance(2 * HOUR);
    await until(made, ["01:00 started", "02:00 buffered"]);
    gates[0]?.open();
    await until(made, ["01:00 failed", "02:00 cancelled"]);
    const { schedules } = made.executor;
    expect(await schedules.get("s")).toMatchObject({ state: "paused", reason: "1 runs failed in a row" });
    (await schedules.resume("s"))._unsafeUnwrap();
    await made.clock.advance(2 * HOUR);
    await until(made, ["01:00 failed", "02:00 cancelled", "03:00 started", "04:00 buffered"]);
    (await schedules.pause("s", "a holiday"))._unsafeUnwrap();
    await until(made, ["01:00 failed", "02:00 cancelled", "03:00 started", "04:00 cancelled"]);
    gates[1]?.open();
  });

  test("a new one is not fired at an excluded time, nor after its end", async () => {
    const made = await started();
    const { schedules } = made.executor;
    const exclude = { dates: ["2026-01-01"] };
    const created = (await schedules.create(spec({ startImmediately: true, exclude })))._unsafeUnwrap();
    expect(shown(created.nextAt)).toBe("2026-01-02T00:00:00");
    const over = spec({ id: "over", startImmediately: true, endAt: "2025-12-31T00:00:00Z" });
    expect((await schedules.create(over))._unsafeUnwrapErr()).toMatchObject({ field: "endAt" });
  });

  test("a description is part of a definition; who made it stays", async () => {
    const made = await started({ schedules: [spec({ createdBy: "ann", description: "one" })] });
    await made.executor.stop();
    const { clock, store } = made;
    const again = await started({ clock, store, schedules: [spec({ description: "two" })] });
    const found = await again.executor.schedules.get("s");
    expect(found?.definition).toMatchObject({ createdBy: "ann", description: "two" });
  });

  test("parameters that are no JSON are refused, however they are made", () => {
    const cyclic: Record<string, unknown> = {};
    cyclic["self"] = cyclic;
    for (const value of [new Set([1]), new (class Point {})(), cyclic, new Date(), 1n, NaN]) {
      expect(() => spec({ params: { value } })).toThrow(/params\.value/);
    }
    expect(
      spec({ params: JSON.parse('{"__proto__": 1, "constructor": 2}') as Record<string, unknown> }).parameters,
    ).toEqual(JSON.parse('{"__proto__": 1, "constructor": 2}'));
  });
});
