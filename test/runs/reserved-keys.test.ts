import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defineSchedule } from "../../src/schedules/define-schedule.js";
import { harness } from "../support/executor-harness.js";
import type { Play } from "../support/stub-engine.js";

const broken: Play = () => {
  throw new Error("broken");
};
const made = () => harness({ plays: { "select 1": broken } });
let { executor, store, clock } = made();
beforeEach(async () => {
  ({ executor, store, clock } = made());
  await executor.start();
});
afterEach(() => executor.stop({ timeoutMs: 0, mode: "cancel" }));

const REFUSED = { code: "invalid_parameter", field: "options.idempotencyKey", retryable: false };

describe.each(["schedule/s@2026-01-01T01:00:00.000Z", "schedule/", "redrive:run-1", "redrive:"])(
  "the key %s, which only the engine makes, is refused, and nothing is stored,",
  (idempotencyKey) => {
    afterEach(async () => expect((await executor.listRuns()).runs).toEqual([]));

    it("by submit and submitOrThrow", async () => {
      const error = (await executor.submit("load", {}, { idempotencyKey }))._unsafeUnwrapErr();
      expect(error).toMatchObject({ ...REFUSED, jobName: "load" });
      expect(error.hint).toContain("schedule/");
      await expect(executor.submitOrThrow("load", {}, { idempotencyKey })).rejects.toMatchObject(REFUSED);
    });

    it("by prepare, before the host's transaction", async () => {
      expect((await executor.prepare("load", {}, { idempotencyKey }))._unsafeUnwrapErr()).toMatchObject(REFUSED);
    });

    it("by submitMany, which takes nothing of that item", async () => {
      const [refused] = await executor.submitMany([{ name: "load", options: { idempotencyKey } }]);
      expect(refused?._unsafeUnwrapErr()).toMatchObject(REFUSED);
    });

    it("also where a getter tells another one at the second look", async () => {
      let looks = 0;
      const options = {
        get idempotencyKey() {
          looks += 1;
          return looks === 1 ? idempotencyKey : "mine";
        },
      };
      expect((await executor.submit("load", {}, options))._unsafeUnwrapErr()).toMatchObject(REFUSED);
    });
  },
);

it("others of a bulk are stored", async () => {
  const [refused, stored] = await executor.submitMany([
    { name: "load", options: { idempotencyKey: "schedule/s" } },
    { name: "load", options: { idempotencyKey: "mine" } },
  ]);
  expect([refused?.isErr(), stored?.isOk()]).toEqual([true, true]);
  expect((await executor.listRuns()).runs).toHaveLength(1);
});

it.each(["schedules/s", "Schedule/s", "schedule", " schedule/s", "redrive", "redrive-1", "Redrive:1", "my/schedule/s"])(
  "the key %j begins otherwise, and is taken",
  async (idempotencyKey) => {
    expect(await (await executor.submitOrThrow("load", {}, { idempotencyKey })).get()).toMatchObject({
      idempotencyKey,
    });
  },
);

it("firings, backfills and redrives have theirs all the same", async () => {
  const { schedules } = executor;
  const daily = defineSchedule({ id: "s", trigger: { cron: "0 0 * * *" }, job: "load", startImmediately: false });
  (await schedules.create(daily))._unsafeUnwrap();
  (await schedules.trigger("s"))._unsafeUnwrap();
  const range = { from: new Date("2025-12-01T00:00:00Z"), to: new Date("2025-12-02T00:00:00Z") };
  const handle = (await schedules.backfill("s", range))._unsafeUnwrap();
  for (let turn = 0; turn < 100 && (await handle.get())?.endedAt === null; turn += 1) await clock.advance(0);
  const [failed] = (await executor.listRuns({ status: "failed" })).runs;
  (await executor.redrive(failed!.id))._unsafeUnwrap();
  const keys = (await store.listRuns({})).runs.map(({ idempotencyKey }) => idempotencyKey);
  expect(keys.map((key) => key?.replace(/[@!:].*/, "")).sort()).toEqual(["redrive", "schedule/s", "schedule/s"]);
});
