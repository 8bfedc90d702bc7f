import { describe, expect, it } from "vitest";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { defineJob } from "../../src/jobs/define-job.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { SequentialIds } from "../../src/testing/sequential-ids.js";
import { harness } from "../support/executor-harness.js";
import { reachedStore } from "../support/reached-store.js";

async function submitterAndWorker() {
  const clock = new ManualClock();
  const ledger = new MemoryJobStore();
  await ledger.open({ clock });
  const way = reachedStore(ledger);
  const submitter = harness({ store: way.store, clock, ids: new SequentialIds("s"), role: "submit" });
  const worker = harness({ store: reachedStore(ledger).store, clock, ids: new SequentialIds("w"), role: "work" });
  return { clock, way, submitter, worker };
}

describe("an executor that only submits", () => {
  it("checks, stores, follows and cancels, and leaves the work to others", async () => {
    const { clock, way, submitter, worker } = await submitterAndWorker();
    const { recovered } = await submitter.executor.start();
    expect(recovered).toEqual({ succeeded: 0, retrying: 0, failed: 0, cancelled: 0, inDoubt: 0 });
    const handle = await submitter.executor.submitOrThrow("load");
    const waiting = await submitter.executor.submitOrThrow("load");
    expect(submitter.engine.described).toBe(2);
    await clock.advance(300_000);
    expect(await handle.get()).toMatchObject({ status: "pending" });
    expect(new Set(way.calls)).toEqual(new Set(["open", "createRuns", "getRun"]));
    expect(await waiting.cancel()).toBe("cancelled");
    const result = handle.result();
    const events = (async () => {
      const types = [];
      for await (const { type } of handle.events()) types.push(type);
      return types;
    })();
    await worker.executor.start();
    await clock.advance(1_000);
    expect(await result).toMatchObject({ status: "succeeded" });
    expect(await events).toEqual(["run.pending", "run.running", "run.committing", "run.succeeded"]);
    expect(submitter.out.tables()).toEqual([]);
    await worker.executor.stop();
    expect(await submitter.executor.stop()).toMatchObject({ succeeded: 0, unfinished: 0 });
  });
});

describe("an executor that only submits a job with a secret parameter", () => {
  const secret = defineJob({
    name: "secret",
    query: "select {token}",
    params: { token: { type: "VARCHAR", secret: true } },
    destination: { table: "out.t" },
  });

  it("needs a secretKey, since no worker could know the value", () => {
    expect(() => harness({ role: "submit", jobs: [secret] })).toThrow(
      expect.objectContaining({ code: "invalid_definition", field: "secretKey" }),
    );
    expect(() => harness({ role: "submit", jobs: [secret], secretKey: new Uint8Array(32) })).not.toThrow();
    expect(() => harness({ role: "work", jobs: [secret] })).not.toThrow();
  });
});

describe("an executor that only works", () => {
  it("refuses every kind of submit with work_only, and still reads, cancels and previews", async () => {
    const { submitter, worker } = await submitterAndWorker();
    await submitter.executor.start();
    await worker.executor.start();
    const { executor } = worker;
    expect((await executor.submit("load"))._unsafeUnwrapErr()).toMatchObject({ code: "work_only", retryable: false });
    await expect(executor.submitOrThrow("load")).rejects.toMatchObject({ code: "work_only" });
    expect((await executor.preview("load")).isOk()).toBe(true);
    expect(await executor.cancel("nobody")).toBe("unknown_run");
    expect((await executor.listRuns()).runs).toEqual([]);
    await executor.stop();
    await submitter.executor.stop();
  });
});
