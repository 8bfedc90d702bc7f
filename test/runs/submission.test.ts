import { describe, expect, it } from "vitest";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { defineJob } from "../../src/jobs/define-job.js";
import { isJobError, JobError } from "../../src/model/job-error.js";
import type { Connection } from "../../src/ports/connection.js";
import { harness } from "../support/executor-harness.js";
import { ScriptedDestination, connectionTo, writeWell } from "../support/scripted-destination.js";
import { StubEngine } from "../support/stub-engine.js";

const readOnly: Connection = {
  capabilities: { kind: "sqlite", read: true, write: "read_only", tables: "named" },
  check: () => Promise.resolve(),
  close: () => Promise.resolve(),
};
const files: Connection = {
  capabilities: { kind: "csv", read: true, write: "none", tables: "single", writeHint: "Use sqlite instead." },
  check: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

function job(name: string, table: string, extra: Record<string, unknown> = {}) {
  return defineJob({ name, query: "select {n} as id", params: { n: "INTEGER" }, destination: { table }, ...extra });
}

const LAST_ID = { id: { type: "INTEGER", initial: 0 } };

/** What submitting gives back as a refusal; fails when the run was stored or the ledger has any trace. */
async function refusal(options: Parameters<typeof harness>[0], name: string, params: unknown, submitOptions = {}) {
  const { executor } = harness(options);
  await executor.start();
  const result = await executor.submit(name, params as never, submitOptions);
  expect((await executor.listRuns()).runs).toEqual([]);
  await executor.stop();
  const error = result._unsafeUnwrapErr();
  expect(isJobError(error, error.code)).toBe(true);
  expect(error).toBeInstanceOf(Error);
  expect(error.message).not.toBe("");
  expect(error.hint).not.toBe("");
  return error;
}

describe("a submit is refused as a value, without a trace in the ledger", () => {
  const jobs = [
    job("ok", "out.t"),
    job("typo", "outt.t"),
    job("bare", "nowhere"),
    job("rooted", "out"),
    job("locked", "db.t"),
    job("file", "files"),
    job("upsert", "plain.t", { destination: { table: "plain.t", mode: { kind: "upsert", keys: ["id"] } } }),
    job("keyed", "out.t", { destination: { table: "out.t", mode: { kind: "upsert", keys: ["id", "day"] } } }),
    job("replaced", "plain.t", { destination: { table: "plain.t", mode: { kind: "deleteInsert", keys: ["id"] } } }),
    job("unkeyed", "out.t", { destination: { table: "out.t", mode: { kind: "insertOnly", keys: ["id", "day"] } } }),
    job("next", "plain.t", { query: "select {n} as id where 1 > {last.id}", state: LAST_ID }),
    job("gone", "out.t", { query: "select {n} as id where 1 > {last.x}", state: { x: { type: "INT", initial: 0 } } }),
    job("small", "out.t", { query: "select {n} where {last.id}", state: { id: { type: "SMALLINT", initial: 0 } } }),
  ];
  const connections = { db: readOnly, files, plain: connectionTo(new ScriptedDestination(writeWell)) };
  const options = { jobs, connections };

  it.each([
    ["unknown_job", "okk", { n: 1 }, { jobName: "okk" }],
    ["missing_parameters", "ok", {}, { jobName: "ok", parameters: ["n"] }],
    ["unknown_parameters", "ok", { n: 1, m: 2 }, { jobName: "ok", parameters: ["m"] }],
    ["unsupported_parameter", "ok", { n: () => 1 }, { jobName: "ok", parameters: ["n"] }],
    ["invalid_parameter", "ok", { n: 1.5 }, { jobName: "ok", parameters: ["n"] }],
    ["destination_resolution_failed", "typo", { n: 1 }, { jobName: "typo", table: "outt.t" }],
    ["destination_missing", "bare", { n: 1 }, { jobName: "bare", table: "nowhere" }],
    ["destination_resolution_failed", "rooted", { n: 1 }, { jobName: "rooted", table: "out" }],
    ["destination_read_only", "locked", { n: 1 }, { jobName: "locked", table: "db.t", connection: "db" }],
    ["non_transactional_destination", "file", { n: 1 }, { jobName: "file", table: "files", connection: "files" }],
    ["unsupported_write_mode", "upsert", { n: 1 }, { jobName: "upsert", table: "plain.t", mode: "upsert" }],
    ["schema_mismatch", "keyed", { n: 1 }, { field: "destination.mode.keys", columns: ["day"] }],
    ["unsupported_write_mode", "replaced", { n: 1 }, { jobName: "replaced", table: "plain.t", mode: "deleteInsert" }],
    ["schema_mismatch", "unkeyed", { n: 1 }, { field: "destination.mode.keys", columns: ["day"] }],
    ["unsupported_state", "next", { n: 1 }, { jobName: "next", table: "plain.t", field: "state" }],
    ["schema_mismatch", "gone", { n: 1 }, { jobName: "gone", table: "out.t", field: "state.x", columns: ["x"] }],
    ["schema_mismatch", "small", { n: 1 }, { jobName: "small", table: "out.t", field: "state.id", columns: ["id"] }],
  ])("%s", async (code, name, params, fields) => {
    expect(await refusal(options, name, params)).toMatchObject({ code, ...fields });
  });

  it("says what to use instead of a file", async () => {
    expect((await refusal(options, "file", { n: 1 })).hint).toBe("Use sqlite instead.");
  });

  it("suggests the nearest job", async () => {
    expect((await refusal(options, "okk", {})).hint).toContain('"ok"');
  });

  it("checks in the order name, parameters, query kind, destination, plan, fit", async () => {
    const engine = new StubEngine();
    const typo = { ...options, engine };
    engine.planError = new JobError("unsupported_query", { message: "two statements", hint: "one" });
    expect(await refusal(typo, "typo", {})).toMatchObject({ code: "missing_parameters" });
    expect(await refusal(typo, "typo", { n: 1 })).toMatchObject({ code: "unsupported_query" });
    engine.planError = new JobError("sql_plan_failure", { message: "no such column", hint: "look" });
    expect(await refusal(typo, "typo", { n: 1 })).toMatchObject({ code: "destination_resolution_failed" });
    expect(await refusal(typo, "ok", { n: 1 })).toMatchObject({ code: "sql_plan_failure", jobName: "ok" });
    engine.planError = new TypeError("boom", { cause: new Error("deep down") });
    const plan = await refusal(typo, "ok", { n: 1 });
    expect(plan.code).toBe("sql_plan_failure");
    expect(plan.message).toMatch(/boom.*deep down/);
  });

  it("schema_mismatch names every column in one message", async () => {
    const destination = new ScriptedDestination(writeWell);
    destination.schema = () =>
      Promise.resolve({
        columns: [
          { name: "ID", type: { kind: "text" }, nullable: true },
          { name: "must", type: { kind: "text" }, nullable: false },
        ],
      }) as never;
    const error = await refusal({ ...options, connections: { ...connections, out: connectionTo(destination) } }, "ok", {
      n: 1,
    });
    expect(error).toMatchObject({ code: "schema_mismatch", jobName: "ok", table: "out.t", columns: ["id", "must"] });
    expect(error.message).toMatch(/"id".*"must"/);
  });

  it.each(["lookup", "none"] as const)(
    "more than one attempt where no commit can be fenced: %s",
    async (commitFence) => {
      const destination = new ScriptedDestination(writeWell);
      Object.assign(destination, { capabilities: { ...destination.capabilities, commitFence } });
      const unfenced = {
        jobs: [job("twice", "db.t", { execution: { maxAttempts: 2 } }), job("once", "db.t")],
        connections: { db: connectionTo(destination) },
      };
      expect(await refusal(unfenced, "twice", { n: 1 })).toMatchObject({
        code: "unsupported_write_mode",
        jobName: "twice",
        table: "db.t",
        mode: "append",
        field: "execution.maxAttempts",
      });
      const { executor } = harness(unfenced);
      await executor.start();
      expect((await executor.submit("once", { n: 1 })).isOk()).toBe(true);
      await executor.stop();
    },
  );

  it("aborted, with what to do", async () => {
    expect(await refusal(options, "ok", { n: 1 }, { signal: AbortSignal.abort() })).toMatchObject({ code: "aborted" });
  });

  it("connection_unavailable when the destination cannot be asked", async () => {
    const destination = new ScriptedDestination(writeWell);
    destination.schema = () => Promise.reject(new Error("connect ECONNREFUSED"));
    const error = await refusal({ ...options, connections: { out: connectionTo(destination) } }, "ok", { n: 1 });
    expect(error).toMatchObject({ code: "connection_unavailable", connection: "out", retryable: true });
    expect(error.message).toContain("ECONNREFUSED");
  });

  it.each([
    ["timeoutMs", { timeoutMs: -1 }],
    ["timeoutMs", { timeoutMs: Number.NaN }],
    ["timeoutMs", { timeoutMs: 2 ** 31 }],
    ["priority", { priority: 1.5 }],
    ["priority", { priority: 2 ** 31 }],
    ["priority", { priority: -(2 ** 31) }],
    ["runAt", { runAt: new Date(Number.NaN) }],
    ["startDeadline", { startDeadline: "tomorrow" }],
    ["idempotencyKey", { idempotencyKey: "" }],
  ])("a bad option %s", async (field, submitOptions) => {
    expect(await refusal(options, "ok", { n: 1 }, submitOptions)).toMatchObject({
      code: "invalid_parameter",
      field: `options.${field}`,
    });
  });

  it("not_started, executor_stopped and store_unavailable", async () => {
    const { executor } = harness(options);
    expect((await executor.submit("ok", { n: 1 }))._unsafeUnwrapErr().code).toBe("not_started");
    await executor.start();
    await executor.stop();
    expect((await executor.submit("ok", { n: 1 }))._unsafeUnwrapErr().code).toBe("executor_stopped");
    const store = new MemoryJobStore();
    const full = { message: "disk full", hint: "", nothingStored: true };
    store.createRuns = () => Promise.reject(new JobError("store_unavailable", full));
    const broken = harness({ ...options, store });
    await broken.executor.start();
    const error = (await broken.executor.submit("ok", { n: 1 }))._unsafeUnwrapErr();
    expect(error).toMatchObject({ code: "store_unavailable", retryable: true });
    expect(error.message).toContain("disk full");
    await broken.executor.stop();
  });

  it("submitOrThrow throws the same error", async () => {
    const { executor } = harness(options);
    await executor.start();
    await expect(executor.submitOrThrow("nope")).rejects.toMatchObject({ code: "unknown_job" });
    await executor.stop();
  });
});

describe("a stored run", () => {
  it("carries its definition and its parameters in key order", async () => {
    const two = defineJob({
      name: "two",
      query: "select {b} as id, {a}",
      params: { a: "BIGINT", b: "INTEGER" },
      destination: { table: "out.t" },
    });
    const { executor } = harness({ jobs: [two] });
    await executor.start();
    const handle = await executor.submitOrThrow("two", { b: 2, a: 2n ** 60n }, { timeoutMs: 77, priority: 5 });
    const run = await handle.get();
    expect(Object.keys(run?.parameters ?? {})).toEqual(["a", "b"]);
    expect(run).toMatchObject({
      jobName: "two",
      definitionHash: two.hash,
      priority: 5,
      definition: { query: two.query, destination: two.destination, execution: { timeoutMs: 77 } },
    });
    await executor.stop();
  });
});

describe("an idempotency key", () => {
  const keyed = [job("ok", "out.t"), job("other", "out.t")];

  it("names the first run", async () => {
    const { executor } = harness({ jobs: keyed });
    await executor.start();
    const submit = () => executor.submitOrThrow("ok", { n: 1 }, { idempotencyKey: "k" });
    const first = await submit();
    const second = await submit();
    expect([first.created, second.created, second.id]).toEqual([true, false, first.id]);
    await first.result();
    expect((await submit()).id).toBe(first.id);
    await executor.stop();
  });

  it("with other parameters or for another job is a conflict", async () => {
    const { executor } = harness({ jobs: keyed });
    await executor.start();
    const first = await executor.submitOrThrow("ok", { n: 1 }, { idempotencyKey: "k" });
    for (const [name, n] of [
      ["ok", 2],
      ["other", 1],
    ] as const) {
      const error = (await executor.submit(name, { n }, { idempotencyKey: "k" }))._unsafeUnwrapErr();
      expect(error).toMatchObject({ code: "idempotency_conflict", runId: first.id });
    }
    await executor.stop();
  });

  it("is a conflict when a plain parameter differs that looks like a sealed secret", async () => {
    const config = defineJob({
      name: "config",
      query: "select {c} as id",
      params: { c: "STRUCT(secret VARCHAR)" },
      destination: { table: "out.t" },
    });
    const { executor } = harness({ jobs: [config] });
    await executor.start();
    const submit = (secret: string) => executor.submit("config", { c: { secret } }, { idempotencyKey: "k" });
    expect((await submit("blue")).isOk()).toBe(true);
    expect((await submit("blue")).isOk()).toBe(true);
    expect((await submit("red"))._unsafeUnwrapErr()).toMatchObject({ code: "idempotency_conflict" });
    await executor.stop();
  });
});
