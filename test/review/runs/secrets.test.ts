import { randomBytes } from "node:crypto";
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { DuckDBEngine } from "../../../src/adapters/duckdb/duckdb-engine.js";
import { defineJob } from "../../../src/jobs/define-job.js";
import { allEvents, harness } from "../../support/executor-harness.js";
import { connectionTo, drainRows, ScriptedDestination, writeWell } from "../../support/scripted-destination.js";
import { idBatch, type Play } from "../../support/stub-engine.js";

const SECRET = "sk-live-51H8xYtq0ZpL2mN4vB7cD9eF1gH3jK5lM8nP0qR2sT4uV6wX8yZ-and-more-of-it";

/** Everything an error shows, hidden fields and causes included. */
const shown = (value: unknown) =>
  inspect(value, { depth: 20, showHidden: true, maxStringLength: null, breakLength: Infinity });

function secretJob(query: string, type = "VARCHAR", table = "out.t") {
  return defineJob({
    name: "secretive",
    query,
    params: { token: { type, secret: true } } as never,
    destination: { table },
  });
}

describe("a secret in an error that the host gets", () => {
  const leaks: [string, () => Error][] = [
    ["in another field of a driver's error", () => Object.assign(new Error("refused"), { detail: `token=${SECRET}` })],
    ["in one of an AggregateError's errors", () => new AggregateError([new Error(`with ${SECRET}`)], "all failed")],
    [
      "in a cause's field",
      () => new Error("outer", { cause: Object.assign(new Error("inner"), { params: [SECRET] }) }),
    ],
  ];
  for (const [name, error] of leaks) {
    it(`does not show ${name}`, async () => {
      const destination = new ScriptedDestination(writeWell);
      destination.schema = () => Promise.reject(error());
      const { executor } = harness({
        jobs: [secretJob("select {token}", "VARCHAR", "db.t")],
        connections: { db: connectionTo(destination) },
      });
      await executor.start();
      const refused = (await executor.submit("secretive", { token: SECRET } as never))._unsafeUnwrapErr();
      expect(shown(refused)).not.toContain(SECRET);
      await executor.stop();
    });
  }

  it("nor in what names the fault: columns, field, table", async () => {
    const destination = new ScriptedDestination(writeWell);
    destination.schema = () =>
      Promise.resolve({ columns: [{ name: SECRET, type: { kind: "text" }, nullable: false }] }) as never;
    const { executor } = harness({
      jobs: [secretJob("select {token}", "VARCHAR", "db.t")],
      connections: { db: connectionTo(destination) },
    });
    await executor.start();
    const refused = (await executor.submit("secretive", { token: SECRET } as never))._unsafeUnwrapErr();
    expect(refused.code).toBe("schema_mismatch");
    expect(shown(refused)).not.toContain(SECRET);
    await executor.stop();
  });
});

describe("the chain of causes", () => {
  it("tells what an AggregateError holds: Node's failed connects have no message of their own", async () => {
    const destination = new ScriptedDestination(writeWell);
    destination.schema = () =>
      Promise.reject(
        Object.assign(
          new AggregateError(
            [new Error("connect ECONNREFUSED ::1:5432"), new Error("connect ECONNREFUSED 127.0.0.1:5432")],
            "",
          ),
          { code: "ECONNREFUSED" },
        ),
      );
    const { executor } = harness({ destination });
    await executor.start();
    const refused = (await executor.submit("load"))._unsafeUnwrapErr();
    expect(refused.message).toContain("ECONNREFUSED");
    await executor.stop();
  });
});

describe("a secret with the real engine", () => {
  async function duck(query: string, type: string, token: unknown) {
    const out = new ScriptedDestination(async (rows, request) => {
      const rowsStaged = await drainRows(rows);
      return (await request.permit({ rowsStaged })).committed();
    });
    const h = harness({
      engine: new DuckDBEngine() as never,
      jobs: [secretJob(query, type, "db.t")],
      connections: { db: connectionTo(out) },
    });
    await h.executor.start();
    const preview = await h.executor.preview("secretive", { token } as never, { limit: 0 });
    const submitted = await h.executor.submit("secretive", { token } as never);
    const parts: unknown[] = [preview, submitted];
    if (submitted.isOk()) parts.push(await submitted.value.result(), await allEvents(submitted.value));
    parts.push(h.store.snapshot(), h.log.lines);
    await h.executor.stop();
    return { parts, preview };
  }

  it("does not show in the preview's plan, also where the plan breaks its lines", async () => {
    const { preview } = await duck("select i from range(5) t(i) where cast(i as varchar) = {token}", "VARCHAR", SECRET);
    const plan = preview.isOk() ? preview.value.plan : shown(preview.error);
    // Pieces as long as a line of the plan's boxes.
    for (let at = 0; at + 12 <= SECRET.length; at += 1) expect(plan).not.toContain(SECRET.slice(at, at + 12));
  });

  const queries: [string, string, unknown, string[]][] = [
    [
      "select cast(cast({token} as varchar) as integer) as a",
      "TIMESTAMP",
      new Date("2024-03-05T06:07:08Z"),
      ["2024-03-05 06:07:08"],
    ],
    [
      "select cast(cast({token} as varchar) as integer) as a",
      "BLOB",
      new TextEncoder().encode("hunter2hunter2"),
      ["hunter2hunter2"],
    ],
    ["select regexp_matches('a', {token}) as a", "VARCHAR", "([hunter2-hunter2", ["[hunter2-hunter2"]],
  ];
  for (const [query, type, token, needles] of queries) {
    it(`does not show: ${query} with a ${type}`, async () => {
      const { parts } = await duck(query, type, token);
      for (const needle of needles) expect(parts.map(shown).join("\n")).not.toContain(needle);
    });
  }
});

describe("a ledger row", () => {
  it("shows a secret as its docstring says, also when it is sealed", async () => {
    const reads: Play = async function* () {
      await Promise.resolve();
      yield idBatch([1]);
    };
    const { executor } = harness({
      jobs: [secretJob("select {token}")],
      plays: { "select {token}": reads },
      secretKey: randomBytes(32),
    });
    await executor.start();
    const run = await (await executor.submitOrThrow("secretive", { token: SECRET } as never)).result();
    expect(run.parameters).toEqual({ token: { secret: true } });
    await executor.stop();
  });
});

describe("an idempotency key", () => {
  it("is a conflict when a plain parameter differs that looks like a sealed secret", async () => {
    const job = defineJob({
      name: "config",
      query: "select {c} as id",
      params: { c: "STRUCT(secret VARCHAR)" },
      destination: { table: "out.t" },
    });
    const { executor } = harness({ jobs: [job] });
    await executor.start();
    await executor.submitOrThrow("config", { c: { secret: "blue" } } as never, { idempotencyKey: "k" });
    const second = await executor.submit("config", { c: { secret: "red" } } as never, { idempotencyKey: "k" });
    expect(second.isErr() && second.error.code).toBe("idempotency_conflict");
    await executor.stop();
  });

  it("is a conflict when a secret differs whose first value this process still holds", async () => {
    const { executor, clock } = harness({ jobs: [secretJob("select {token}")] });
    await executor.start();
    const options = { idempotencyKey: "k", runAt: new Date(clock.now() + 1_000) };
    await executor.submitOrThrow("secretive", { token: "first-one" } as never, options);
    const second = await executor.submit("secretive", { token: "another" } as never, options);
    expect(second.isErr() && second.error.code).toBe("idempotency_conflict");
    await executor.stop();
  });
});
