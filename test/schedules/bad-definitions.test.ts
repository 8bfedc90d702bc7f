import { afterEach, describe, expect, test } from "vitest";
import { CronerScheduler } from "../../src/adapters/croner/croner-scheduler.js";
import { isJobError, type JobError } from "../../src/model/job-error.js";
import { defineSchedule, scheduleFromSpec } from "../../src/schedules/define-schedule.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { harness } from "../support/executor-harness.js";

const made = harness({ plays: {} });
const { schedules } = made.executor;
afterEach(() => made.executor.stop({ timeoutMs: 0, mode: "cancel" }));

const base = { id: "s", job: "load", trigger: { cron: "0 0 * * *" } };
const FARTHEST = new Date(8.64e15);

function refusal(act: () => unknown): JobError | undefined {
  try {
    act();
  } catch (error) {
    if (isJobError(error)) return error;
    throw error;
  }
  return undefined;
}

describe("a definition is refused with its field, and never with another error", () => {
  test.each<[string, object, string]>([
    ["exclusions of two kinds", { exclude: { dates: ["2026-01-01"], cron: "* * * * 6" } }, "exclude"],
    [
      "a range that has a zone",
      { exclude: { from: "2026-01-01T00:00:00Z", to: FARTHEST, timeZone: "UTC" } },
      "exclude.timeZone",
    ],
    ["an expression that has a range", { exclude: { cron: "* * * * 6", to: "2026-01-01T00:00:00Z" } }, "exclude.to"],
    ["dates that are no text", { exclude: { dates: [Object.create(null) as unknown] } }, "exclude.dates[0]"],
    ["a day that no month has", { trigger: { at: "2026-02-30T00:00:00Z" } }, "trigger.at"],
    ["a start beyond all years", { startAt: FARTHEST }, "startAt"],
    ["an anchor before all years", { trigger: { everyMs: 1_000, anchor: new Date(-8.64e15) } }, "trigger.anchor"],
    ["an id that no text can be made of", { id: Object.create(null) as unknown }, "id"],
    ["a job that no text can be made of", { job: Object.create(null) as unknown }, "job"],
    [
      "a parameter that is a getter",
      {
        params: {
          get at() {
            throw new Error("read");
          },
        },
      },
      "params.at",
    ],
  ])("%s", (_, parts, field) => {
    expect(refusal(() => scheduleFromSpec({ ...base, ...parts }))).toMatchObject({ code: "invalid_definition", field });
  });

  test("a time parameter may be called as a property of all objects", () => {
    expect(scheduleFromSpec({ ...base, times: { constructor: "nominal" } }).timeParameters).toEqual({
      constructor: "nominal",
    });
  });
});

test("an expression of many months that all lack its day never fires", () => {
  const scheduler = new CronerScheduler(new ManualClock());
  const trigger = { kind: "cron", timeZone: "UTC", gap: "skip", overlap: "both" } as const;
  const after = Date.UTC(2026, 0, 1);
  expect(scheduler.nextFireTime({ ...trigger, expression: "0 0 31 2,4,6,9,11 *" }, after)).toBeUndefined();
  expect(scheduler.nextFireTime({ ...trigger, expression: "0 0 31 2,4,6,9,11,12 *" }, after)).toBe(
    Date.UTC(2026, 11, 31),
  );
});

test("a preview refuses what it cannot reckon with", () => {
  const daily = defineSchedule(base);
  expect(refusal(() => schedules.preview(daily, 1, new Date(NaN)))).toMatchObject({ field: "after" });
  expect(refusal(() => schedules.preview(daily, 1, new Date("0099-12-31T00:00:00Z")))).toMatchObject({
    field: "after",
  });
  expect(refusal(() => schedules.preview(daily, 1, FARTHEST))).toMatchObject({ field: "after" });
  const elsewhere = defineSchedule({ ...base, exclude: { dates: ["2026-01-01"], timeZone: "Mars" } });
  expect(refusal(() => schedules.preview(elsewhere, 1))).toMatchObject({ code: "invalid_definition" });
});
