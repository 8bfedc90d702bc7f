import { afterEach, describe, expect, test } from "vitest";
import type { JobExecutor } from "../../src/executor/job-executor.js";
import { defineJob } from "../../src/jobs/define-job.js";
import type { Occurrence } from "../../src/model/occurrence.js";
import { defineSchedule } from "../../src/schedules/define-schedule.js";
import type { ScheduleSpec } from "../../src/schedules/schedule-spec.js";
import { Gate } from "../support/gate.js";
import { harness } from "../support/executor-harness.js";
import { shown } from "./schedule-samples.js";

let executor: JobExecutor | undefined;
afterEach(async () => {
  await executor?.stop({ timeoutMs: 0, mode: "cancel" });
});

const HOUR = 3_600_000;
const hourly = (parts: Partial<ScheduleSpec> = {}) => {
  return defineSchedule({
    id: "hourly",
    trigger: { cron: "0 * * * *" },
    job: "load",
    startImmediately: false,
    ...parts,
  });
};

function started(options: Parameters<typeof harness>[0] = {}) {
  const made = harness({ plays: { "select 1": async function* () {} }, ...options });
  executor = made.executor;
  return made;
}

/** Moves on until the schedule's occurrences have come to these states, oldest first. */
async function until(
  made: ReturnType<typeof harness>,
  id: string,
  states: readonly Occurrence["state"][],
): Promise<readonly Occurrence[]> {
  for (let turn = 0; turn < 200; turn += 1) {
    const { occurrences } = await made.executor.schedules.occurrences(id);
    const oldestFirst = occurrences.toReversed();
    if (JSON.stringify(oldestFirst.map(({ state }) => state)) === JSON.stringify(states)) return oldestFirst;
    await made.clock.advance(0);
  }
  const { occurrences } = await made.executor.schedules.occurrences(id);
  throw new Error(
    `The occurrences are ${occurrences
      .map(({ state }) => state)
      .reverse()
      .join(", ")}.`,
  );
}

describe("a schedule", () => {
  test("fires at its times, and its runs' ends stay on it", async () => {
    const made = started({ schedules: [hourly()] });
    await made.executor.start();
    await made.clock.advance(HOUR);
    const [first] = await until(made, "hourly", ["succeeded"]);
    expect(first).toMatchObject({ key: "hourly@2026-01-01T01:00:00.000Z", cause: "trigger", error: null });
    const run = await made.executor.getRun(first?.runId ?? "");
    expect(run).toMatchObject({ status: "succeeded", idempotencyKey: "schedule/hourly@2026-01-01T01:00:00.000Z" });
    await made.clock.advance(HOUR);
    await until(made, "hourly", ["succeeded", "succeeded"]);
    const schedule = await made.executor.schedules.get("hourly");
    expect(schedule).toMatchObject({ firings: 2, succeeded: 2, failed: 0, last: { state: "succeeded" } });
    expect(shown(schedule?.nextAt)).toBe("2026-01-01T03:00:00");
  });

  test("is due at once when it is new, unless it says otherwise", async () => {
    const made = started({ schedules: [hourly({ startImmediately: true })] });
    await made.executor.start();
    await until(made, "hourly", ["succeeded"]);
  });

  test("lives on when its job throws, and when the submit is refused", async () => {
    const made = started({
      plays: {
        "select 1": async function* () {
          throw new Error("no rows today");
        },
      },
      schedules: [hourly()],
    });
    await made.executor.start();
    await made.clock.advance(HOUR);
    const [failed] = await until(made, "hourly", ["failed"]);
    expect(failed?.error?.message).toContain("no rows today");
    made.engine.planError = new Error("the plan is bad");
    await made.clock.advance(HOUR);
    const [, refused] = await until(made, "hourly", ["failed", "failed"]);
    expect(refused).toMatchObject({ runId: null, reason: "its run was refused" });
    expect(refused?.error?.code).toBe("sql_plan_failure");
    made.engine.planError = null;
    await made.clock.advance(HOUR);
    await until(made, "hourly", ["failed", "failed", "failed"]);
    expect(await made.executor.schedules.get("hourly")).toMatchObject({ failed: 3, failedInARow: 3, state: "active" });
  });

  test("gives its times to the job as parameters", async () => {
    const job = defineJob({
      name: "load",
      query: "select 1 where {at} > {before} and {day} is not null",
      params: { at: "TIMESTAMPTZ", before: "BIGINT", day: "DATE" },
      destination: { table: "out.t", mode: "append" },
    });
    const times = { at: "nominal", before: "previous", day: "nominal" } as const;
    const trigger = { cron: "30 23 * * *", timeZone: "America/New_York" };
    const made = started({ jobs: [job], schedules: [hourly({ trigger, times })] });
    await made.executor.start();
    await made.clock.advance(24 * HOUR);
    const { occurrences } = await made.executor.schedules.occurrences("hourly");
    const run = await made.executor.getRun(occurrences[0]?.runId ?? "");
    expect(run?.parameters).toEqual({
      at: "2026-01-01T04:30:00Z",
      before: Date.UTC(2026, 0, 1),
      day: "2025-12-31",
    });
  });
});

describe("overlap", () => {
  test("buffer_one: what waited starts when the run before it has ended", async () => {
    const gates = [new Gate(), new Gate()];
    let runs = 0;
    const made = started({
      plays: {
        "select 1": async function* () {
          await gates[runs++]?.pass();
        },
      },
      schedules: [hourly({ overlap: "buffer_one" })],
    });
    await made.executor.start();
    await made.clock.advance(3 * HOUR);
    await until(made, "hourly", ["started", "buffered", "skipped_overlap"]);
    gates[0]?.open();
    await until(made, "hourly", ["succeeded", "started", "skipped_overlap"]);
    gates[1]?.open();
    await until(made, "hourly", ["succeeded", "succeeded", "skipped_overlap"]);
  });

  test("cancel_running: the newest firing takes the place of the run", async () => {
    const made = started({
      plays: {
        "select 1": async function* ({ signal }) {
          signal.throwIfAborted();
          await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
        },
      },
      schedules: [hourly({ overlap: "cancel_running" })],
    });
    await made.executor.start();
    await made.clock.advance(HOUR);
    await until(made, "hourly", ["started"]);
    await made.clock.advance(HOUR);
    await until(made, "hourly", ["cancelled", "started"]);
    // Until its query is under way.
    for (let turn = 0; turn < 30; turn += 1) await made.clock.advance(0);
  });
});

describe("at run time", () => {
  test("it is paused, fired by hand, resumed and deleted", async () => {
    const made = started();
    await made.executor.start();
    const { schedules } = made.executor;
    (await schedules.create(hourly()))._unsafeUnwrap();
    expect((await schedules.create(hourly()))._unsafeUnwrapErr().code).toBe("schedule_exists");
    (await schedules.pause("hourly", "a holiday"))._unsafeUnwrap();
    await made.clock.advance(2 * HOUR);
    expect((await schedules.occurrences("hourly")).occurrences).toEqual([]);
    const manual = (await schedules.trigger("hourly"))._unsafeUnwrap();
    expect(manual).toMatchObject({ cause: "manual", key: expect.stringMatching(/^hourly!/) as unknown });
    await until(made, "hourly", ["succeeded"]);
    const explained = (await schedules.explain("hourly"))._unsafeUnwrap();
    expect(explained.facts[0]).toBe("It is paused: a holiday. Nothing fires until it is resumed.");
    expect(shown((await schedules.resume("hourly"))._unsafeUnwrap().nextAt)).toBe("2026-01-01T03:00:00");
    await made.clock.advance(HOUR);
    await until(made, "hourly", ["succeeded", "succeeded"]);
    expect((await schedules.delete("hourly"))._unsafeUnwrap()).toBe(true);
    expect((await schedules.delete("hourly"))._unsafeUnwrap()).toBe(false);
    expect((await schedules.pause("hourly"))._unsafeUnwrapErr().code).toBe("unknown_schedule");
  });

  test("what cannot be is refused with its field", async () => {
    const made = started();
    await made.executor.start();
    const refusal = async (parts: Partial<ScheduleSpec>) => {
      const { code, field, hint } = (await made.executor.schedules.create(hourly(parts)))._unsafeUnwrapErr();
      return { code, field, hint };
    };
    expect(await refusal({ trigger: { cron: "61 * * * *" } })).toMatchObject({
      code: "invalid_definition",
      field: "trigger.cron",
    });
    expect(await refusal({ trigger: { cron: "0 0 30 2 *" } })).toMatchObject({
      code: "invalid_definition",
      field: "trigger",
    });
    expect(await refusal({ trigger: { cron: "0 * * * *", timeZone: "Mars/Olympus" } })).toMatchObject({
      field: "trigger.timeZone",
    });
    expect(await refusal({ trigger: { at: "2020-01-01T00:00:00Z" } })).toMatchObject({ field: "trigger" });
    expect(await refusal({ job: "loads" })).toMatchObject({
      code: "unknown_job",
      field: "job",
      hint: 'Did you mean "load"?',
    });
    expect(await refusal({ params: { x: 1 } })).toMatchObject({ code: "unknown_parameters" });
    expect(() => hourly({ trigger: { everyMs: 0 } })).toThrow(/everyMs must be a whole number from 1000/);
  });
});
