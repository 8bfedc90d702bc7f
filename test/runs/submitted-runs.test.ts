import { describe, expect, it } from "vitest";
import { memory } from "../../src/adapters/memory/memory-connection.js";
import { defineJob } from "../../src/jobs/define-job.js";
import type { SubmitOptions } from "../../src/runs/submit-options.js";
import { harness } from "../support/executor-harness.js";
import { StubEngine } from "../support/stub-engine.js";

const destination = { table: "out.t" } as const;

/** What a submit of the only job stores. */
async function stored(job: Parameters<typeof defineJob>[0], params: object, options?: SubmitOptions) {
  const { executor } = harness({ jobs: [defineJob(job)] });
  await executor.start();
  const submitted = await executor.submit(job.name, params as never, options);
  const run = submitted.isOk() ? await submitted.value.get() : submitted.error;
  const { runs } = await executor.listRuns();
  await executor.stop();
  return { run, runs };
}

describe("the concurrency key of a run", () => {
  const job = {
    name: "sync",
    query: "select {customer}, {n}, {days}",
    params: {
      customer: "VARCHAR",
      n: { type: "INTEGER", default: 7 },
      days: { type: "DATE[]", default: ["2026-01-31"] },
    },
    destination,
    execution: { concurrencyKey: "sync:{customer}:{n}:{days}", maxConcurrentPerKey: 2 },
  } as const;

  it("has the values in their places: texts as they are, all else as JSON", async () => {
    const { run } = await stored(job, { customer: 'a"b {n}' });
    expect(run).toMatchObject({ concurrencyKey: 'sync:a"b {n}:7:["2026-01-31"]' });
  });

  it("is the submit's own when it has one, whatever the values", async () => {
    const { run } = await stored(job, { customer: null }, { concurrencyKey: "{own}" });
    expect(run).toMatchObject({ concurrencyKey: "{own}", definition: { execution: { maxConcurrentPerKey: 2 } } });
  });

  it("is refused where a value in it is null, and leaves no trace", async () => {
    const { run, runs } = await stored(job, { customer: null, n: null });
    expect(run).toMatchObject({ code: "invalid_parameter", jobName: "sync", parameters: ["customer", "n"] });
    expect(runs).toEqual([]);
  });

  it("is refused where it gets too long, without quoting the values", async () => {
    const { run } = await stored(job, { customer: "x".repeat(400) });
    expect(run).toMatchObject({ code: "invalid_parameter", parameters: ["customer", "n", "days"] });
    expect((run as Error).message).toMatch(/400 characters/);
    expect((run as Error).message).not.toContain("xxx");
  });

  it("is null for a job without one", async () => {
    const { run } = await stored({ name: "plain", query: "select 1", destination }, {});
    expect(run).toMatchObject({ concurrencyKey: null, redriveOf: null });
  });

  it.each([
    ["concurrencyKey", ""],
    ["concurrencyKey", "x".repeat(401)],
    ["concurrencyKey", "\ud800"],
    ["concurrencyKey", null],
    ["idempotencyKey", "x".repeat(401)],
  ])("a bad %s is refused: %j", async (option, value) => {
    const { run, runs } = await stored(job, { customer: "a" }, { [option]: value });
    expect(run).toMatchObject({ code: "invalid_parameter", field: `options.${option}` });
    expect(runs).toEqual([]);
  });
});

describe("the rule of retries", () => {
  it.each([
    ["another code than the run's", ["timed_out"], 1],
    ["the run's code", ["timed_out", "query_failed"], 3],
  ] as const)("that names %s", async (_what, retryOn, attempts) => {
    const { executor, clock } = harness({
      plays: {
        "select 1": () => {
          throw new Error("broken");
        },
      },
      execution: { maxAttempts: 3, retryOn, backoff: { kind: "constant", delayMs: 100, maxDelayMs: 100, jitter: 0 } },
    });
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    for (let n = 0; n < 4; n += 1) await clock.advance(100);
    expect(await handle.result()).toMatchObject({
      status: "failed",
      attempt: attempts,
      error: { code: "query_failed" },
    });
    await executor.stop();
  });
});

describe("the connections of a run", () => {
  it("are those of its destination and of every table that it reads, in lower case, each once, in order", async () => {
    const engine = new StubEngine();
    const describeStub = engine.describe.bind(engine);
    engine.describe = async (query, signal) => ({
      ...(await describeStub(query, signal)),
      tables: ["Zoo", "crm.main.orders", "crm.people", "out.old"],
    });
    const job = defineJob({ name: "wide", query: "select 1", destination: { table: "OUT.t" } });
    const { executor } = harness({ engine, jobs: [job], connections: { Zoo: memory(), crm: memory() } });
    await executor.start();
    const run = await (await executor.submitOrThrow("wide")).get();
    expect(run?.connections).toEqual(["crm", "out", "zoo"]);
    await executor.stop();
  });
});
