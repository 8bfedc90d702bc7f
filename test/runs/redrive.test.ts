import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { defineJob } from "../../src/jobs/define-job.js";
import type { NewRun } from "../../src/model/run.js";
import { harness } from "../support/executor-harness.js";
import { runLike } from "../support/run-like.js";
import { rowsOf, type Play } from "../support/stub-engine.js";

const job = defineJob({
  name: "load",
  query: "load {n}",
  params: { n: "INTEGER" },
  destination: { table: "out.t" },
  execution: { concurrencyKey: "key {n}", priority: 3 },
});
const secretive = defineJob({
  name: "secretive",
  query: "secretive {token}",
  params: { token: { type: "VARCHAR", secret: true } },
  destination: { table: "out.t" },
});

/** Two jobs that fail until `mend` is called. */
async function failing(options: Parameters<typeof harness>[0] = {}) {
  let broken = true;
  const seen: unknown[] = [];
  const play: Play = (context) => {
    seen.push([...context.query.parameters.values()].map(({ value }) => value));
    if (broken) throw new Error("broken");
    return rowsOf(3)(context);
  };
  const plays = { "load {n}": play, "secretive {token}": play };
  const parts = harness({ jobs: [job, secretive], plays, ...options });
  await parts.executor.start();
  return { ...parts, seen, mend: () => (broken = false) };
}

describe("a redrive", () => {
  it("runs a failed run once more, as it was submitted, as a new run", async () => {
    const { executor, clock, mend } = await failing();
    const options = { idempotencyKey: "mine", timeoutMs: 777, startDeadline: new Date(clock.now() + 1e9) };
    const failed = await (await executor.submitOrThrow("load", { n: 5 }, options)).result();
    expect(failed).toMatchObject({ status: "failed", redriveOf: null });
    mend();
    const handle = (await executor.redrive(failed.id))._unsafeUnwrap();
    expect(handle).toMatchObject({ created: true, jobName: "load" });
    expect(handle.id).not.toBe(failed.id);
    const run = await handle.result();
    const { definition, definitionHash, parameters, connections, concurrencyKey, priority } = failed;
    expect(run).toMatchObject({ definition, definitionHash, parameters, connections, concurrencyKey, priority });
    expect(run).toMatchObject({ status: "succeeded", attempt: 1, redriveOf: failed.id, startDeadline: null });
    expect(run.definition.execution.timeoutMs).toBe(777);
    // The first one stays as it ended, and keeps its key.
    expect(await executor.getRun(failed.id)).toEqual(failed);
    expect((await executor.submitOrThrow("load", { n: 5 }, options)).id).toBe(failed.id);
    await executor.stop();
  });

  it("of the same run gives the same new run, from several callers at once too", async () => {
    const { executor } = await failing();
    const failed = await (await executor.submitOrThrow("load", { n: 5 })).result();
    const handles = await Promise.all([1, 2, 3].map(() => executor.redrive(failed.id)));
    const ids = handles.map((one) => one._unsafeUnwrap().id);
    expect(new Set(ids).size).toBe(1);
    expect(handles.map((one) => one._unsafeUnwrap().created)).toEqual([true, false, false]);
    expect((await executor.redrive(failed.id))._unsafeUnwrap()).toMatchObject({ id: ids[0], created: false });
    // A redriven run that failed can itself be redriven.
    await executor.handle(ids[0] ?? "").result();
    const next = (await executor.redrive(ids[0] ?? ""))._unsafeUnwrap();
    expect(next.created).toBe(true);
    expect(await next.get()).toMatchObject({ redriveOf: ids[0] });
    await executor.stop();
  });

  it("takes a cancelled run, another priority and a time to start at", async () => {
    const { executor, clock } = await failing();
    const runAt = new Date(clock.now() + 60_000);
    const handle = await executor.submitOrThrow("load", { n: 5 }, { runAt });
    await handle.cancel();
    const redriven = (await executor.redrive(handle.id, { priority: -1, runAt }))._unsafeUnwrap();
    expect(await redriven.get()).toMatchObject({ priority: -1, runAt, status: "pending", redriveOf: handle.id });
    await executor.stop();
  });

  it("is refused as a value", async () => {
    const { executor, mend, clock } = await failing();
    const code = async (id: unknown, options?: unknown) =>
      (await executor.redrive(id as string, options as never))._unsafeUnwrapErr();
    expect(await code("nobody")).toMatchObject({ code: "unknown_run", runId: "nobody" });
    const waiting = await executor.submitOrThrow("load", { n: 1 }, { runAt: new Date(clock.now() + 1e6) });
    expect(await code(waiting.id)).toMatchObject({ code: "not_redrivable", runId: waiting.id });
    mend();
    const good = await (await executor.submitOrThrow("load", { n: 1 })).result();
    expect(await code(good.id)).toMatchObject({ code: "not_redrivable" });
    expect(await code(5)).toMatchObject({ code: "invalid_definition", field: "id" });
    expect(await code(good.id, { priority: 1.5 })).toMatchObject({
      code: "invalid_definition",
      field: "options.priority",
    });
    expect(await code(good.id, null)).toMatchObject({ code: "invalid_definition", field: "options" });
    await executor.stop();
    expect(await code(good.id)).toMatchObject({ code: "executor_stopped" });
  });

  it("is refused when the ledger does not answer, without the ledger's own kind of error", async () => {
    const store = new MemoryJobStore();
    const { executor } = await failing({ store });
    const failed = await (await executor.submitOrThrow("load", { n: 5 })).result();
    store.getRun = () => Promise.reject(new Error("away"));
    expect((await executor.redrive(failed.id))._unsafeUnwrapErr()).toMatchObject({ code: "store_unavailable" });
    await executor.stop();
  });

  it("is a conflict when the ledger has its key for something else, which only hands can have put there", async () => {
    const { executor, store } = await failing();
    const failed = await (await executor.submitOrThrow("load", { n: 5 })).result();
    await store.createRuns([runLike(failed, { id: "other", idempotencyKey: `redrive:${failed.id}` })]);
    expect((await executor.redrive(failed.id))._unsafeUnwrapErr()).toMatchObject({
      code: "idempotency_conflict",
      runId: "other",
    });
    await executor.stop();
  });

  it("is refused at once when secrets are gone", async () => {
    const { executor } = await failing();
    const failed = await (await executor.submitOrThrow("secretive", { token: "sk-live" })).result();
    expect((await executor.redrive(failed.id))._unsafeUnwrapErr()).toMatchObject({
      code: "secret_unavailable",
      parameters: ["token"],
    });
    expect((await executor.listRuns()).runs).toHaveLength(1);
    await executor.stop();
  });

  it("opens the secrets that the ledger holds sealed", async () => {
    const { executor, seen, mend } = await failing({ secretKey: randomBytes(32) });
    const failed = await (await executor.submitOrThrow("secretive", { token: "sk-live" })).result();
    mend();
    const redriven = await (await executor.redrive(failed.id))._unsafeUnwrap().result();
    expect(redriven).toMatchObject({ status: "succeeded", parameters: { token: { secret: true } } });
    expect(seen).toEqual([["sk-live"], ["sk-live"]]);
    await executor.stop();
  });
});

describe("a redrive of many", () => {
  async function manyFailed(count: number, options: Parameters<typeof harness>[0] = {}) {
    const parts = await failing(options);
    const items = Array.from({ length: count }, (_, n) => ({ name: "load" as const, params: { n } }));
    const handles = (await parts.executor.submitMany(items)).map((one) => one._unsafeUnwrap());
    await Promise.all(handles.map((handle) => handle.result()));
    return { ...parts, ids: handles.map(({ id }) => id) };
  }

  it("takes the failed runs by page, newest first, each page in one act", async () => {
    const store = new MemoryJobStore();
    const create = store.createRuns.bind(store);
    const acts: (readonly NewRun[])[] = [];
    const { executor, ids, mend } = await manyFailed(520, { store, maxConcurrentRuns: 64 });
    store.createRuns = (runs) => {
      acts.push(runs);
      return create(runs);
    };
    mend();
    const { results, nextCursor } = await executor.redriveMany();
    expect(nextCursor).toBeUndefined();
    expect(results.map(({ runId }) => runId)).toEqual(ids.toReversed());
    expect(acts.map((runs) => runs.length)).toEqual([500, 20]);
    const ends = await Promise.all(results.map(({ redriven }) => redriven._unsafeUnwrap().result()));
    expect(ends.every(({ status }, i) => status === "succeeded" && ends[i]?.redriveOf === results[i]?.runId)).toBe(
      true,
    );
    const again = await executor.redriveMany();
    expect(again.results.every(({ redriven }) => !redriven._unsafeUnwrap().created)).toBe(true);
    await executor.stop();
  });

  it("goes on where it was told to stop", async () => {
    const { executor, ids } = await manyFailed(7, { maxConcurrentRuns: 1 });
    const first = await executor.redriveMany({ limit: 3 });
    const second = await executor.redriveMany({ limit: 3, ...(first.nextCursor && { cursor: first.nextCursor }) });
    expect([...first.results, ...second.results].map(({ runId }) => runId)).toEqual(ids.toReversed().slice(0, 6));
    expect(second.nextCursor).toBeDefined();
    await executor.stop();
  });

  it("of one job leaves the others, and tells of each that it cannot redrive", async () => {
    const { executor } = await failing();
    await (await executor.submitOrThrow("load", { n: 1 })).result();
    const lost = await (await executor.submitOrThrow("secretive", { token: "x" })).result();
    const { results } = await executor.redriveMany({ jobName: "secretive" });
    expect(results).toHaveLength(1);
    expect(results[0]?.runId).toBe(lost.id);
    expect(results[0]?.redriven._unsafeUnwrapErr()).toMatchObject({ code: "secret_unavailable" });
    await executor.stop();
  });

  it("names the runs that cannot be read", async () => {
    const store = new MemoryJobStore();
    const list = store.listRuns.bind(store);
    store.listRuns = async (query) => ({
      ...(await list(query)),
      unreadable: [{ id: "odd", reason: "its status is 5" }],
    });
    const { executor } = await failing({ store });
    const { results } = await executor.redriveMany();
    expect(results.map(({ runId, redriven }) => [runId, redriven._unsafeUnwrapErr().code])).toEqual([
      ["odd", "store_unavailable"],
    ]);
    await executor.stop();
  });

  it("does not repeat what succeeded once, however soon succeeded runs are forgotten", async () => {
    const hour = 3_600_000;
    const retention = { succeededMs: hour, failedMs: 100 * hour };
    const { executor, clock, mend } = await failing({ retention, leaseMs: 10 * 24 * hour });
    const failed = await (await executor.submitOrThrow("load", { n: 1 })).result();
    mend();
    const [first] = (await executor.redriveMany()).results;
    const again = first?.redriven._unsafeUnwrap();
    expect(await again?.result()).toMatchObject({ status: "succeeded" });
    const plain = await (await executor.submitOrThrow("load", { n: 2 })).result();
    const pass = async (ms: number): Promise<void> => {
      clock.jumpTo(clock.now() + ms);
      await clock.advance(80_000);
    };
    await pass(2 * hour);
    expect(await executor.getRun(plain.id)).toBeUndefined();
    const { results } = await executor.redriveMany();
    expect(results.map(({ runId, redriven }) => [runId, redriven._unsafeUnwrap().created])).toEqual([
      [failed.id, false],
    ]);
    await pass(100 * hour);
    await pass(hour);
    expect((await executor.listRuns()).runs).toEqual([]);
    await executor.stop();
  });

  it("refuses what is no option", async () => {
    const { executor } = await failing();
    for (const [options, field] of [
      [{ limit: 0 }, "options.limit"],
      [{ limit: 10_001 }, "options.limit"],
      [{ jobName: 5 }, "options.jobName"],
      [{ status: "failed" }, "options.status"],
    ] as const) {
      await expect(executor.redriveMany(options as never)).rejects.toMatchObject({ code: "invalid_definition", field });
    }
    await executor.stop();
    await expect(executor.redriveMany()).rejects.toMatchObject({ code: "executor_stopped" });
  });
});
