import { afterEach, beforeEach, expect, test } from "vitest";
import { isJobError } from "../../src/model/job-error.js";
import { defineSchedule } from "../../src/schedules/define-schedule.js";
import { harness } from "../support/executor-harness.js";

let made = harness();
beforeEach(async () => {
  made = harness();
  await made.executor.start();
});
afterEach(() => made.executor.stop({ timeoutMs: 0, mode: "cancel" }));

/** Each minute for three days, and all minutes but those of the last hour are excluded one by one. */
const excluded = (expression: string) => {
  return defineSchedule({
    id: "s",
    trigger: { cron: "* * * * *" },
    exclude: [{ cron: expression }, { from: "2025-01-01T00:00:00Z", to: "2026-01-01T00:00:00Z" }],
    endAt: "2026-01-04T00:00:00Z",
    job: "load",
    startImmediately: false,
  });
};
const ALL = "0-59 * 1-3 1 *";
const ALL_BUT_THE_END = "0-59 0-22 * * *";

/** How often the host has its turn until the act is done. */
async function turnsDuring<T>(act: () => PromiseLike<T>): Promise<{ readonly turns: number; readonly value: T }> {
  let turns = 0;
  let next = setImmediate(function turn() {
    turns += 1;
    next = setImmediate(turn);
  });
  const value = await act();
  clearImmediate(next);
  return { turns, value };
}

/** Of 4,320 firings each is looked for, and compared with two exclusions: 200 questions in a turn. */
const LEAST_TURNS = 60;

test("what exclusions leave nothing of is refused, and the host has its turns meanwhile", async () => {
  const { schedules } = made.executor;
  const { turns, value } = await turnsDuring(() => schedules.create(excluded(ALL)));
  expect(value._unsafeUnwrapErr()).toMatchObject({ code: "invalid_definition", field: "exclude" });
  expect(turns).toBeGreaterThanOrEqual(LEAST_TURNS);
});

test("so it has when a schedule is changed, resumed, fired, explained or filled in", async () => {
  const { schedules } = made.executor;
  const near = excluded("* 23 * * *");
  (await schedules.create(near))._unsafeUnwrap();
  const far = excluded(ALL_BUT_THE_END);
  const least = 20;
  const update = await turnsDuring(() => schedules.update(far));
  expect(update.value._unsafeUnwrap().nextAt).toEqual(new Date("2026-01-01T23:00:00Z"));
  expect(update.turns).toBeGreaterThanOrEqual(least);
  (await schedules.pause("s"))._unsafeUnwrap();
  expect((await turnsDuring(() => schedules.resume("s"))).turns).toBeGreaterThanOrEqual(least);
  expect((await turnsDuring(() => schedules.nextFireTimes("s", 90))).turns).toBeGreaterThanOrEqual(least);
  const range = { from: new Date("2026-01-01T00:00:00Z"), to: new Date("2026-01-01T23:30:00Z") };
  const plan = await turnsDuring(() => schedules.planBackfill("s", range));
  expect(plan.value._unsafeUnwrap().fires).toHaveLength(30);
  expect(plan.turns).toBeGreaterThanOrEqual(least);
});

test("a preview, which answers at once, refuses what takes so long", () => {
  let thrown: unknown;
  try {
    made.executor.schedules.preview(excluded(ALL), 1);
  } catch (error) {
    thrown = error;
  }
  expect(isJobError(thrown, "invalid_definition")).toBe(true);
  expect(thrown).toMatchObject({ field: "exclude" });
});
