import { afterEach, describe, expect, test } from "vitest";
import type { JobExecutor } from "../../src/executor/job-executor.js";
import { defineSchedule } from "../../src/schedules/define-schedule.js";
import { nextFiringsNow } from "../../src/schedules/firing-times.js";
import type { ScheduleSpec, TriggerSpec } from "../../src/schedules/schedule-spec.js";
import { harness } from "../support/executor-harness.js";
import { scheduler, shown, utc } from "./schedule-samples.js";

const HOUR = 3_600_000;
let executor: JobExecutor | undefined;
afterEach(async () => {
  await executor?.stop({ timeoutMs: 0, mode: "cancel" });
});

const spec = (trigger: TriggerSpec, parts: Partial<ScheduleSpec> = {}) => {
  return defineSchedule({ id: "test", trigger, job: "load", createdBy: "tester", ...parts });
};
const next = (trigger: TriggerSpec, after: string): string | null => {
  return shown(nextFiringsNow(spec(trigger).times, scheduler, utc(after).getTime(), 1)[0]);
};

async function started() {
  const made = harness({ plays: { "select 1": async function* () {} } });
  executor = made.executor;
  await made.executor.start();
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 40; turn += 1) await made.clock.advance(0);
  };
  return { ...made, schedules: made.executor.schedules, settle };
}

describe("when it is due", () => {
  test("not while it is paused, however late it is", async () => {
    const { schedules, clock, settle } = await started();
    (await schedules.create(spec({ everyMs: 60_000 }, { startImmediately: false })))._unsafeUnwrap();
    (await schedules.pause("test"))._unsafeUnwrap();
    await clock.advance(HOUR);
    await settle();
    expect((await schedules.occurrences("test")).occurrences).toEqual([]);
  });

  test("not before its time", async () => {
    const { schedules, clock, settle } = await started();
    (await schedules.create(spec({ everyMs: 60_000 }, { startImmediately: false })))._unsafeUnwrap();
    await clock.advance(59_999);
    await settle();
    expect((await schedules.occurrences("test")).occurrences).toEqual([]);
    await clock.advance(1);
    await settle();
    expect((await schedules.occurrences("test")).occurrences).toHaveLength(1);
  });

  test("at once when it is new", async () => {
    const { schedules, settle } = await started();
    (await schedules.create(spec({ cron: "0 6 * * *" })))._unsafeUnwrap();
    await settle();
    expect(await schedules.get("test")).toMatchObject({ firings: 1, succeeded: 1 });
  });
});

describe("the next time", () => {
  test("of an interval is so long after the run has ended, whatever it had been before", async () => {
    const { schedules, clock, settle } = await started();
    (await schedules.create(spec({ everyMs: 120_000 })))._unsafeUnwrap();
    await settle();
    const found = await schedules.get("test");
    expect(found?.nextAt?.getTime()).toBe((found?.last?.at.getTime() ?? NaN) + 120_000);
    expect(found?.last?.at.getTime()).toBe(clock.now());
  });

  test("of every minute is within sixty seconds", () => {
    expect(next({ cron: "* * * * *" }, "2026-04-20T10:00:17")).toBe("2026-04-20T10:01:00");
    expect(next({ cron: "* * * * *" }, "2026-04-20T10:01:00")).toBe("2026-04-20T10:02:00");
  });

  test("of a daily expression is at its hour and minute", () => {
    expect(next({ cron: "15 14 * * *" }, "2026-04-20T10:00:00")).toBe("2026-04-20T14:15:00");
  });

  test("of weekdays, on a Saturday, is on Monday", () => {
    expect(next({ cron: "0 9 * * 1-5" }, "2026-04-18T10:00:00")).toBe("2026-04-20T09:00:00");
  });

  test("of six fields is exact to the second", () => {
    expect(next({ cron: "30 * * * * *" }, "2026-04-20T10:00:31")).toBe("2026-04-20T10:01:30");
  });

  test("takes 0 and 7 for Sunday", () => {
    expect(next({ cron: "0 9 * * 0" }, "2026-04-18T10:00:00")).toBe("2026-04-19T09:00:00");
    expect(next({ cron: "0 9 * * 7" }, "2026-04-18T10:00:00")).toBe("2026-04-19T09:00:00");
  });
});

describe("what is refused when it is made", () => {
  const refusal = async (cron: string) => {
    const { schedules } = await started();
    return (await schedules.create(spec({ cron })))._unsafeUnwrapErr();
  };

  test("what is no expression, in words that say so", async () => {
    const { message, field } = await refusal("not a cron");
    expect(message).toContain("cron");
    expect(field).toBe("trigger.cron");
  });

  test.each(["* * * *", "* * * * * * *", "2026-04-20T10:00:00"])("%s: another number of fields", async (cron) => {
    expect(await refusal(cron)).toMatchObject({ code: "invalid_definition", field: "trigger.cron" });
  });

  test("an interval of zero", () => {
    expect(() => spec({ everyMs: 0 })).toThrow(/everyMs/);
  });

  test("a good expression is not", async () => {
    const { schedules } = await started();
    expect((await schedules.create(spec({ cron: "0 */6 * * *" }))).isOk()).toBe(true);
  });
});

describe("what stays on it", () => {
  test("who made it, its counters, its last run and what became of that, also when no row was written", async () => {
    const { schedules, settle, engine, clock } = await started();
    (await schedules.create(spec({ cron: "0 * * * *" })))._unsafeUnwrap();
    await settle();
    engine.planError = new Error("no plan");
    await clock.advance(HOUR);
    await settle();
    expect(await schedules.get("test")).toMatchObject({
      definition: { createdBy: "tester" },
      succeeded: 1,
      failed: 1,
      last: { state: "failed", message: expect.stringContaining("no plan") as unknown, runId: null },
    });
    engine.planError = null;
    await clock.advance(HOUR);
    await settle();
    expect(await schedules.get("test")).toMatchObject({ succeeded: 2, last: { state: "succeeded", rowsWritten: 0 } });
  });

  test("a firing by hand works while it is paused, and counts", async () => {
    const { schedules, settle } = await started();
    (await schedules.create(spec({ cron: "0 * * * *" }, { startImmediately: false })))._unsafeUnwrap();
    (await schedules.pause("test"))._unsafeUnwrap();
    (await schedules.trigger("test"))._unsafeUnwrap();
    await settle();
    expect(await schedules.get("test")).toMatchObject({ state: "paused", succeeded: 1 });
  });

  test("nothing when it was deleted while its run was under way, which is no error; deleting again is none either", async () => {
    const { schedules, settle, log } = await started();
    (await schedules.create(spec({ cron: "0 * * * *" }, { startImmediately: false })))._unsafeUnwrap();
    const { key } = (await schedules.trigger("test"))._unsafeUnwrap();
    expect((await schedules.delete("test"))._unsafeUnwrap()).toBe(true);
    expect((await schedules.delete("test"))._unsafeUnwrap()).toBe(false);
    await settle();
    expect(log.lines).toEqual([]);
    expect((await schedules.occurrences("test")).occurrences).toMatchObject([{ key, state: "succeeded" }]);
  });
});

test("lists come in the order of their ids", async () => {
  const { schedules } = await started();
  for (const id of ["b", "c", "a"]) (await schedules.create(spec({ cron: "0 6 * * *" }, { id })))._unsafeUnwrap();
  expect((await schedules.list()).map(({ definition }) => definition.id)).toEqual(["a", "b", "c"]);
});
