import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { JobExecutor } from "../../src/executor/job-executor.js";
import { defineSchedule } from "../../src/schedules/define-schedule.js";
import type { ScheduleSpec } from "../../src/schedules/schedule-spec.js";
import { specOfSchedule } from "../../src/schedules/spec-of-schedule.js";
import { harness } from "../support/executor-harness.js";

let folder: string;
let executor: JobExecutor | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-schedules-"));
});
afterEach(async () => {
  await executor?.stop({ timeoutMs: 0, mode: "cancel" });
  await rm(folder, { recursive: true, force: true });
});

const spec = (id: string, parts: Partial<ScheduleSpec> = {}): ScheduleSpec => {
  return { id, trigger: { cron: "0 6 * * *" }, job: "load", startImmediately: false, ...parts };
};

async function started() {
  const made = harness({ plays: { "select 1": async function* () {} }, scheduleFolder: folder });
  executor = made.executor;
  return { ...made, report: await made.executor.start() };
}

test("files are read at the start; bad ones are told, and keep no other from loading", async () => {
  await writeFile(join(folder, "good.json"), JSON.stringify(spec("good")));
  await writeFile(join(folder, "half.json"), '{ "id": "half", ');
  await writeFile(join(folder, "wrong.json"), JSON.stringify(spec("wrong", { trigger: { cron: "0 0 30 2 *" } })));
  await writeFile(join(folder, "other.json"), JSON.stringify(spec("another")));
  await writeFile(join(folder, "notes.txt"), "no schedule");
  const { executor, report, log } = await started();
  expect((await executor.schedules.list()).map(({ definition }) => definition.id)).toEqual(["good"]);
  const told = report.badScheduleFiles.map(({ file, message }) => `${file.replace(folder, "")} ${message}`).sort();
  expect(told).toEqual([
    expect.stringContaining("half.json"),
    '/other.json holds the schedule "another", whose file is another.json',
    'wrong.json Schedule "wrong": it never fires from now on.',
  ]);
  expect(log.lines.filter((line) => line.startsWith("A file holds no schedule"))).toHaveLength(3);
});

test("what is made, changed and deleted at run time is so in the folder, and comes back from it", async () => {
  const { executor } = await started();
  const { schedules } = executor;
  (await schedules.create(defineSchedule(spec("a/b"))))._unsafeUnwrap();
  (await schedules.update(defineSchedule(spec("a/b", { overlap: "allow" }))))._unsafeUnwrap();
  (await schedules.create(defineSchedule(spec("gone"))))._unsafeUnwrap();
  (await schedules.delete("gone"))._unsafeUnwrap();
  expect(await readdir(folder)).toEqual(["a_b.json"]);
  expect(JSON.parse(await readFile(join(folder, "a_b.json"), "utf8"))).toMatchObject({ id: "a/b", overlap: "allow" });
  await executor.stop();
  const again = await started();
  expect(await again.executor.schedules.get("a/b")).toMatchObject({ definition: { overlap: { kind: "allow" } } });
});

test("ids that would have one file are refused", async () => {
  const { executor } = await started();
  (await executor.schedules.create(defineSchedule(spec("a/b"))))._unsafeUnwrap();
  const refused = (await executor.schedules.create(defineSchedule(spec("a.b"))))._unsafeUnwrapErr();
  expect(refused).toMatchObject({ code: "invalid_definition", field: "id" });
  expect(await executor.schedules.get("a.b")).toBeUndefined();
});

test("a file that somebody is still mending is not overwritten", async () => {
  await writeFile(join(folder, "half.json"), '{ "id": "half", ');
  const { executor } = await started();
  const refused = (await executor.schedules.create(defineSchedule(spec("half"))))._unsafeUnwrapErr();
  expect(refused).toMatchObject({ code: "invalid_definition", field: "id" });
  expect(await readFile(join(folder, "half.json"), "utf8")).toBe('{ "id": "half", ');
});

test("changes of one schedule at the same time leave one whole file", async () => {
  const { executor } = await started();
  const { schedules } = executor;
  (await schedules.create(defineSchedule(spec("a"))))._unsafeUnwrap();
  const changes = ["x", "y", "z"].map((description) => schedules.update(defineSchedule(spec("a", { description }))));
  for (const changed of await Promise.all(changes)) expect(changed.isOk()).toBe(true);
  expect(await readdir(folder)).toEqual(["a.json"]);
});

const INSTANT = fc.date({ min: new Date("2000-01-01"), max: new Date("2100-01-01"), noInvalidDate: true });
const SPECS = fc.record(
  {
    id: fc.stringMatching(/^[a-z]{1,9}$/),
    job: fc.constant("load"),
    trigger: fc.oneof(
      fc.record({
        cron: fc.constant("0 6 * * *"),
        gap: fc.constantFrom("shift", "skip"),
        overlap: fc.constantFrom("last", "both"),
      }),
      fc.record({ everyMs: fc.integer({ min: 1_000, max: 9_999_999 }) }),
      fc.record({ everyMs: fc.integer({ min: 1_000, max: 9_999_999 }), anchor: INSTANT }),
      fc.array(fc.record({ at: INSTANT }), { minLength: 1, maxLength: 3 }),
    ),
    exclude: fc.array(
      fc.oneof(
        fc.record({ dates: fc.constant(["2026-12-25"]), timeZone: fc.constant("Asia/Tokyo") }),
        fc.record({ cron: fc.constant("* * * * 6,7") }),
        fc.constant({ from: "2026-01-01T00:00:00Z", to: new Date("2027-01-01") }),
      ),
    ),
    params: fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), fc.jsonValue({ maxDepth: 1 })),
    overlap: fc.constantFrom("skip", "buffer_all", { kind: "buffer_all", limit: 3 } as const, "allow"),
    catchUp: fc.constantFrom("none", "all", { kind: "all", maxCount: 5 } as const),
    jitterMs: fc.nat(1_000),
    pauseAfterFailures: fc.integer({ min: 1, max: 9 }),
    startImmediately: fc.boolean(),
    createdBy: fc.constant("somebody"),
    description: fc.constant("nightly"),
  },
  { requiredKeys: ["id", "job", "trigger"] },
);

test("a definition is the same after it was written as a file", () => {
  fc.assert(
    fc.property(SPECS, (given) => {
      const definition = defineSchedule(given as ScheduleSpec);
      expect(defineSchedule(JSON.parse(JSON.stringify(specOfSchedule(definition))) as ScheduleSpec)).toEqual(
        definition,
      );
    }),
  );
});

test("of declared ids that would have one file, put side by side, only one is taken", async () => {
  const schedules = [defineSchedule(spec("a b")), defineSchedule(spec("a_b")), defineSchedule(spec("a.b"))];
  const { executor } = harness({ scheduleFolder: folder, schedules });
  await expect(executor.start()).rejects.toMatchObject({ code: "invalid_definition", field: "id" });
  expect(JSON.parse(await readFile(join(folder, "a_b.json"), "utf8"))).toMatchObject({ id: "a b" });
});
