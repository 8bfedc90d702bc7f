import { describe, expect, it } from "vitest";
import { DuckDBEngine } from "../../src/adapters/duckdb/duckdb-engine.js";
import { memory } from "../../src/adapters/memory/memory-connection.js";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { sqlite } from "../../src/adapters/sqlite/sqlite-connection.js";
import { JobExecutor } from "../../src/executor/job-executor.js";
import { defineJob } from "../../src/jobs/define-job.js";
import type { AnyJob } from "../../src/jobs/job-definition.js";
import type { StateSpecs } from "../../src/jobs/read-state.js";
import type { ExecutionSpec } from "../../src/jobs/read-execution.js";
import type { FinishedRun } from "../../src/model/run.js";
import type { Connection } from "../../src/ports/connection.js";
import type { JobDestination, WriteRequest } from "../../src/ports/job-destination.js";
import { write } from "../../src/testing/destination/destination-fixture.js";
import { connectionTo, ScriptedDestination, writeWell } from "../support/scripted-destination.js";
import { overlaid } from "../support/overlaid.js";
import { sqliteFile } from "../support/sqlite-file.js";

async function started(jobs: readonly AnyJob[], connections: Readonly<Record<string, Connection>>) {
  const executor = new JobExecutor({ engine: new DuckDBEngine(), store: new MemoryJobStore(), connections, jobs });
  await executor.start();
  const run = async (name: string, parameters: object = {}): Promise<FinishedRun> => {
    return (await executor.submitOrThrow(name, parameters as never)).result();
  };
  return Object.assign(executor, { run });
}

/** Each run takes the next ten numbers, from 1. */
function nextTen(execution: ExecutionSpec = {}, table = "out.numbers") {
  return defineJob({
    name: "next_ten",
    query: "select i as n from range(1, 100000) t(i) where i > {last.n} order by i limit 10",
    state: { n: { type: "BIGINT", initial: 0 } },
    destination: { table, createIfMissing: true },
    execution,
  });
}

const numbers = (last: number) => Array.from({ length: last }, (_, index) => BigInt(index + 1));

describe("a job with state", () => {
  const orders = defineJob({
    name: "orders",
    query: "select id, item from crm.orders where id > {last.max_id} and item <> {except}",
    params: { except: "VARCHAR" },
    state: { max_id: { type: "BIGINT", column: "id", initial: 0 } },
    destination: { table: "out.orders" },
  });
  const feed = defineJob({
    name: "feed",
    query: "select i as id, 'item ' || i as item from range({from}::bigint, {to}::bigint) t(i)",
    destination: { table: "crm.orders" },
  });

  it("loads each time what is new, and keeps its state where nothing is", async () => {
    const [crm, out] = [memory(), memory()];
    await using executor = await started([orders, feed], { crm, out });
    const except = "item 2";
    await executor.run("feed", { from: 1, to: 4 });
    expect((await executor.jobState("orders"))._unsafeUnwrap()).toEqual([{ name: "max_id", value: 0, stored: false }]);
    expect(await executor.run("orders", { except })).toMatchObject({ status: "succeeded", rowsWritten: 2 });
    expect(await executor.run("orders", { except })).toMatchObject({ status: "succeeded", rowsWritten: 0 });
    await executor.run("feed", { from: 4, to: 6 });
    expect(await executor.run("orders", { except })).toMatchObject({ status: "succeeded", rowsWritten: 2 });
    expect((await out.rows("orders")).map(({ id }) => id)).toEqual([1n, 3n, 4n, 5n]);
    expect((await executor.jobState("orders"))._unsafeUnwrap()).toEqual([{ name: "max_id", value: 5, stored: true }]);
  });

  it("shows in a preview what it would begin from", async () => {
    const [crm, out] = [memory(), memory()];
    await using executor = await started([orders, feed], { crm, out });
    await executor.run("feed", { from: 1, to: 4 });
    const preview = async () => (await executor.preview("orders", { except: "" }))._unsafeUnwrap();
    const before = await preview();
    expect(before.state).toEqual([{ name: "max_id", value: 0, stored: false }]);
    expect(before.rows).toHaveLength(3);
    expect([...before.parameters.keys()]).toEqual(["except"]);
    await executor.run("orders", { except: "" });
    const after = await preview();
    expect(after.state).toEqual([{ name: "max_id", value: 3, stored: true }]);
    expect(after.rows).toEqual([]);
  });

  it("has nothing to show where it remembers nothing, or where there is no such job", async () => {
    await using executor = await started([feed], { crm: memory() });
    expect((await executor.jobState("feed"))._unsafeUnwrap()).toEqual([]);
    expect((await executor.jobState("fed"))._unsafeUnwrapErr()).toMatchObject({ code: "unknown_job" });
  });

  it("begins a state with a new name at its initial value, and leaves the others", async () => {
    const out = memory();
    const job = (state: StateSpecs, query: string) =>
      defineJob({ name: "j", query, state, destination: { table: "out.t" } });
    const seven = job({ a: { type: "INTEGER", column: "n", initial: 0 } }, "select 7 as n where 7 > {last.a}");
    await using first = await started([seven], { out });
    await first.run("j");
    const both: StateSpecs = {
      a: { type: "BIGINT", column: "n", initial: 0 },
      b: { type: "INTEGER", column: "n", initial: -1, take: "min" },
    };
    await using second = await started([job(both, "select 5 as n where {last.a} = 7 and {last.b} = -1")], { out });
    expect((await second.jobState("j"))._unsafeUnwrap()).toEqual([
      { name: "a", value: 7, stored: true },
      { name: "b", value: -1, stored: false },
    ]);
    expect(await second.run("j")).toMatchObject({ status: "succeeded", rowsWritten: 1 });
    expect((await second.jobState("j"))._unsafeUnwrap().map(({ value }) => value)).toEqual([7, 5]);
  });

  it("refuses a stored value that is not of the declared type", async () => {
    const out = memory();
    const text = defineJob({
      name: "j",
      query: "select 'x' as n where {last.n} = ''",
      state: { n: { type: "VARCHAR", initial: "" } },
      destination: { table: "out.t" },
    });
    await using first = await started([text], { out });
    await first.run("j");
    const number = defineJob({
      name: "j",
      query: "select 'y' as label, 1 as n where {last.n} = 0",
      state: { n: { type: "BIGINT", initial: 0 } },
      destination: { table: "out.t" },
    });
    await using second = await started([number], { out });
    const refusal = { code: "schema_mismatch", field: "state.n" };
    expect((await second.jobState("j"))._unsafeUnwrapErr()).toMatchObject(refusal);
    expect((await second.preview("j"))._unsafeUnwrapErr()).toMatchObject(refusal);
  });

  it.each([
    ["no object", [7], { field: "state" }],
    ["a null", { n: null }, { field: "state.n" }],
  ])("refuses what somebody stored by hand, and does not begin anew: %s", async (_what, to, refusal) => {
    const out = memory();
    const job = nextTen();
    await using executor = await started([job], { out });
    await executor.run("next_ten");
    const destination = out.destination?.("numbers");
    const schema = (await destination?.schema(new AbortController().signal)) ?? undefined;
    const state = { key: "next_ten", from: { n: 10 }, to };
    await write(destination!, { commitId: "by-hand", ...(schema && { schema }), steps: [], state });
    expect(await executor.run("next_ten")).toMatchObject({
      status: "failed",
      error: { code: "schema_mismatch", retryable: false, ...refusal },
    });
    expect(await out.rows("numbers")).toHaveLength(10);
  });

  it("keeps what another definition remembers, so that neither begins again and again", async () => {
    const out = memory();
    const counted = (name: string) =>
      defineJob({
        name: "j",
        query: `select i as n from range(1, 100) t(i) where i > {last.${name}} order by i limit 2`,
        state: { [name]: { type: "BIGINT", column: "n", initial: 0 } },
        destination: { table: "out.t" },
      });
    await using before = await started([counted("a")], { out });
    await using after = await started([counted("b")], { out });
    for (let round = 0; round < 2; round++) for (const executor of [before, after]) await executor.run("j");
    expect((await out.rows("t")).map(({ n }) => n)).toEqual([1n, 2n, 1n, 2n, 3n, 4n, 3n, 4n]);
  });

  it("takes instants with their zone, and looks back from them", async () => {
    const out = memory();
    const job = defineJob({
      name: "j",
      query:
        "select seen from (values (timestamptz '2026-01-01 00:00:00+02')) t(seen) where seen >= {last.seen} - interval 10 minutes",
      state: { seen: { type: "TIMESTAMP WITH TIME ZONE", initial: new Date(0) } },
      destination: { table: "out.t", mode: { kind: "upsert", keys: ["seen"] } },
    });
    await using executor = await started([job], { out });
    for (const run of [await executor.run("j"), await executor.run("j")]) {
      expect(run).toMatchObject({ status: "succeeded", rowsWritten: 1 });
    }
    expect(await out.rows("t")).toEqual([{ seen: "2025-12-31 22:00:00+00" }]);
  });

  it.each([
    [{ kind: "upsert", keys: ["id"] } as const, 3],
    [{ kind: "deleteInsert", keys: ["id"] } as const, 3],
    [{ kind: "insertOnly", keys: ["id"] } as const, 2],
  ])("goes with %j", async (mode, rowsWritten) => {
    const [crm, out] = [memory(), memory()];
    const changed = defineJob({
      name: "changed",
      query: "select id, item from crm.orders where id >= {last.id}",
      state: { id: { type: "BIGINT", initial: 0 } },
      destination: { table: "out.orders", mode },
    });
    await using executor = await started([changed, feed], { crm, out });
    await executor.run("feed", { from: 1, to: 4 });
    await executor.run("changed");
    await executor.run("feed", { from: 4, to: 6 });
    expect(await executor.run("changed")).toMatchObject({ status: "succeeded", rowsWritten });
    expect((await out.rows("orders")).map(({ id }) => id)).toEqual([1n, 2n, 3n, 4n, 5n]);
  });

  it.each([
    ["'NaN'::double", "DOUBLE"],
    ["'infinity'::double", "DOUBLE"],
    ["'infinity'::timestamp", "TIMESTAMP"],
    ["'0044-03-15 (BC)'::date", "DATE"],
  ])("fails for good where its last value is %s, which no run could begin from", async (value, type) => {
    const out = memory();
    const initial = type === "DOUBLE" ? 0 : "2001-01-01";
    const job = defineJob({
      name: "j",
      query: `select ${value} as v where {last.v} is not null`,
      state: { v: { type, initial } },
      destination: { table: "out.t" },
    });
    await using executor = await started([job], { out });
    const end = await executor.run("j");
    expect(end).toMatchObject({
      status: "failed",
      attempt: 1,
      error: { code: "query_failed", retryable: false, field: "state.v", columns: ["v"] },
    });
    expect(end.error?.message).toContain('column "v"');
    expect(out.tables()).toEqual([]);
  });
});

describe("the last value of a column", () => {
  it.each([
    ["TINYINT", ["-128", "-1", "127"], -128, 127],
    ["UINTEGER", ["0", "4294967295"], 0, 4_294_967_295],
    [
      "BIGINT",
      ["-9223372036854775808", "-1", "0", "4294967296", "9223372036854775807"],
      "-9223372036854775808",
      "9223372036854775807",
    ],
    ["BIGINT", ["9007199254740992", "9007199254740993"], "9007199254740992", "9007199254740993"],
    ["UBIGINT", ["1", "18446744073709551615"], 1, "18446744073709551615"],
    [
      "HUGEINT",
      ["-170141183460469231731687303715884105727", "-1", "0", "18446744073709551616"],
      "-170141183460469231731687303715884105727",
      "18446744073709551616",
    ],
    ["UHUGEINT", ["0", "340282366920938463463374607431768211455"], 0, "340282366920938463463374607431768211455"],
    ["FLOAT", ["-0.5", "0.25"], -0.5, 0.25],
    ["DOUBLE", ["-1e300", "0.1", "0.30000000000000004"], -1e300, 0.30000000000000004],
    ["DECIMAL(4,1)", ["-10.5", "2.0", "10.0"], "-10.5", "10.0"],
    [
      "DECIMAL(38,10)",
      ["-1234567890123456789012345678.9", "0", "0.0000000001"],
      "-1234567890123456789012345678.9000000000",
      "0.0000000001",
    ],
    ["DATE", ["0001-01-01", "1969-12-31", "9999-12-31"], "0001-01-01", "9999-12-31"],
    ["TIME", ["00:00:00", "12:00:00.5", "23:59:59.999999"], "00:00:00", "23:59:59.999999"],
    [
      "TIMESTAMP",
      ["0001-01-01 00:00:00", "1969-12-31 23:59:59.999999", "2026-11-20 12:00:00.1"],
      "0001-01-01T00:00:00",
      "2026-11-20T12:00:00.1",
    ],
    ["TIMESTAMP_S", ["2001-01-01 00:00:00", "2001-01-01 00:00:01"], "2001-01-01T00:00:00", "2001-01-01T00:00:01"],
    [
      "TIMESTAMP_MS",
      ["2001-01-01 00:00:00.001", "2001-01-01 00:00:00.01"],
      "2001-01-01T00:00:00.001",
      "2001-01-01T00:00:00.01",
    ],
    [
      "TIMESTAMP_NS",
      ["2001-01-01 00:00:00.000000001", "2001-01-01 00:00:00.00000001"],
      "2001-01-01T00:00:00.000000001",
      "2001-01-01T00:00:00.00000001",
    ],
    [
      "TIMESTAMPTZ",
      ["2001-01-01 00:00:00+02", "2001-01-01 00:00:00+01"],
      "2000-12-31T22:00:00Z",
      "2000-12-31T23:00:00Z",
    ],
    // The last two are in another order in UTF-16.
    ["VARCHAR", ["A", "Z", "a", "ab", "b", "é", "\u{FFFD}", "\u{1F986}"], "A", "\u{1F986}"],
    [
      "UUID",
      [
        "00000000-0000-0000-0000-000000000001",
        "80000000-0000-0000-0000-000000000000",
        "ffffffff-0000-0000-0000-000000000000",
      ],
      "00000000-0000-0000-0000-000000000001",
      "ffffffff-0000-0000-0000-000000000000",
    ],
  ] as const)("of type %s, in the order of the engine: %j", async (type, ascending, least, greatest) => {
    const [crm, out] = [memory(), memory()];
    const literals = [...ascending.slice(1), ascending[0], null, null].map((text) =>
      text === null ? "(null)" : `('${text}')`,
    );
    const source = `(select v::${type} as v from (values ${literals.join(", ")}) t(v))`;
    const feed = defineJob({ name: "feed", query: `select v from ${source}`, destination: { table: "crm.t" } });
    const greater = defineJob({
      name: "greater",
      query: "select v from crm.t where v is null or v >= {last.v}",
      state: { v: { type, initial: least } },
      destination: { table: "out.t" },
    });
    const less = defineJob({
      name: "less",
      query: "select v from crm.t where v is null or v <= {last.v}",
      state: { v: { type, take: "min", initial: greatest } },
      destination: { table: "out.t" },
    });
    await using executor = await started([feed, greater, less], { crm, out });
    await executor.run("feed");
    for (const [name, value] of [
      ["greater", greatest],
      ["less", least],
    ] as const) {
      expect(await executor.run(name)).toMatchObject({ status: "succeeded", rowsWritten: ascending.length + 2 });
      expect((await executor.jobState(name))._unsafeUnwrap()).toEqual([{ name: "v", value, stored: true }]);
      // Bound again, it is equal to the very last value and to no other.
      expect(await executor.run(name)).toMatchObject({ status: "succeeded", rowsWritten: 3 });
    }
  });
});

describe("each row is loaded once", () => {
  it("by many runs of one ledger, which take turns", async () => {
    await using file = await sqliteFile();
    const job = nextTen();
    expect(job.execution).toMatchObject({ maxConcurrent: 1, maxAttempts: 5, retryOn: ["state_conflict"] });
    await using executor = await started([job], { out: file.connection });
    const ends = await Promise.all(Array.from({ length: 12 }, () => executor.run("next_ten")));
    expect(ends.every(({ status, attempt }) => status === "succeeded" && attempt === 1)).toBe(true);
    expect(file.open().prepare("select n from numbers order by n").pluck().all()).toEqual(numbers(120));
  });

  it("by runs at once of executors on two ledgers, which overtake each other and try again", async () => {
    await using file = await sqliteFile();
    const execution = { maxConcurrent: 0, maxAttempts: 1_000, backoff: { kind: "constant", delayMs: 1 } } as const;
    await using one = await started([nextTen(execution)], { out: file.connection });
    await using other = await started([nextTen(execution)], { out: sqlite(file.path, { access: "read_write" }) });
    const runs = Array.from({ length: 12 }, (_, index) => (index % 2 === 0 ? one : other).run("next_ten"));
    const ends = await Promise.all(runs);
    expect(ends.map(({ status, error }) => error ?? status)).toEqual(ends.map(() => "succeeded"));
    expect(ends.some(({ attempt }) => attempt > 1)).toBe(true);
    expect(file.open().prepare("select n from numbers order by n").pluck().all()).toEqual(numbers(120));
  });

  /** Lets another writer change the state each time after a run has read it, so many times. */
  function overtaken(out: ReturnType<typeof memory>, times: number): Connection {
    let left = times;
    const readState = async (destination: JobDestination, key: string, signal: AbortSignal) => {
      const from = (await destination.readState?.(key, signal)) ?? null;
      if (left-- > 0) {
        const to = { n: 100 * (times - left) };
        const schema = {
          columns: [{ name: "n", type: { kind: "integer", bits: 64, signed: true }, nullable: true }],
        } as const;
        await write(destination, {
          commitId: `other-${left}`,
          schema,
          createIfMissing: true,
          state: { key, from, to },
        });
      }
      return from;
    };
    return overlaid(out, {
      destination: (table: string) => {
        const destination = out.destination?.(table);
        return (
          destination && overlaid(destination, { readState: (key, signal) => readState(destination, key, signal) })
        );
      },
    });
  }

  const backoff = { kind: "constant", delayMs: 0 } as const;

  it("by a run that is overtaken, which reads the state again", async () => {
    const out = memory();
    await using executor = await started([nextTen({ backoff })], { out: overtaken(out, 2) });
    expect(await executor.run("next_ten")).toMatchObject({ status: "succeeded", attempt: 3 });
    expect((await out.rows("numbers")).map(({ n }) => n)).toEqual(numbers(10).map((n) => n + 200n));
  });

  it("or not at all, by one that is overtaken in every attempt", async () => {
    const out = memory();
    await using executor = await started([nextTen({ backoff, maxAttempts: 2 })], { out: overtaken(out, 9) });
    expect(await executor.run("next_ten")).toMatchObject({
      status: "failed",
      attempt: 2,
      error: { code: "state_conflict", retryable: true, table: "numbers" },
    });
    expect(await out.rows("numbers")).toEqual([]);
  });

  it("by a redrive, which begins from what is stored by then", async () => {
    const out = memory();
    const job = nextTen({ maxAttempts: 1 });
    await using executor = await started([job], { out: overtaken(out, 1) });
    const failed = await executor.run("next_ten");
    expect(failed.status).toBe("failed");
    const again = await (await executor.redrive(failed.id))._unsafeUnwrap().result();
    expect(again).toMatchObject({ status: "succeeded", redriveOf: failed.id });
    expect((await out.rows("numbers")).map(({ n }) => n)).toEqual(numbers(10).map((n) => n + 100n));
  });

  it("also when the answer to a commit is lost: the next run waits until it is settled", async () => {
    const out = memory();
    let settle = (): void => undefined;
    const known = new Promise<void>((resolve) => (settle = resolve));
    let lost = false;
    const lossy: Connection = overlaid(out, {
      destination: (table: string) => {
        const destination = out.destination?.(table);
        return (
          destination &&
          overlaid(destination, {
            write: async (rows, request) => {
              const receipt = await destination.write(rows, {
                ...request,
                permit: async (staged) => {
                  const permit = await request.permit(staged);
                  if (lost) return permit;
                  // The commit lands, and nobody here hears of it.
                  return { committed: () => ({ commitId: request.commitId, rowsWritten: 0, snapshotId: null }) };
                },
              });
              if (lost) return receipt;
              lost = true;
              throw new Error("the connection was reset");
            },
            settleCommit: async (commitId, signal) => {
              await known;
              return destination.settleCommit(commitId, signal);
            },
          })
        );
      },
    });
    await using executor = await started([nextTen()], { out: lossy });
    const first = await executor.submitOrThrow("next_ten");
    for await (const event of first.events()) if (event.type === "run.committing") break;
    const second = await executor.submitOrThrow("next_ten");
    expect((await second.get())?.status).toBe("pending");
    settle();
    expect(await first.result()).toMatchObject({ status: "succeeded", rowsWritten: 10, attempt: 1 });
    expect(await second.result()).toMatchObject({ status: "succeeded", rowsWritten: 10 });
    expect((await out.rows("numbers")).map(({ n }) => n)).toEqual(numbers(20));
  });
});

describe("a destination that keeps state badly", () => {
  const badly = (change: (request: WriteRequest) => WriteRequest) => {
    const destination = new ScriptedDestination((rows, request) => writeWell(rows, change(request)));
    const capabilities = { ...destination.capabilities, state: true };
    return Object.assign(destination, { capabilities, readState: () => Promise.resolve(null) });
  };

  it.each<[string, JobDestination, string]>([
    ["leaves it", badly((request) => request), "without taking the job's state"],
    [
      "asks for it too early",
      new Proxy(
        badly((request) => request),
        {
          get: (target, key) =>
            key === "write"
              ? async (_rows: unknown, request: WriteRequest) => request.state?.()
              : (Reflect.get(target, key) as unknown),
        },
      ),
      "before the end of the rows",
    ],
  ])("misbehaves when it %s, and commits nothing", async (_what, destination, message) => {
    await using executor = await started([nextTen()], { out: connectionTo(destination) });
    const end = await executor.run("next_ten");
    expect(end).toMatchObject({ status: "failed", attempt: 1, error: { code: "destination_misbehaved" } });
    expect(end.error?.message).toContain(message);
  });

  it("is unavailable when it cannot be asked for it", async () => {
    const destination = badly((request) => request);
    destination.readState = () => Promise.reject(new Error("ECONNRESET"));
    await using executor = await started([nextTen()], { out: connectionTo(destination) });
    const unavailable = { code: "connection_unavailable", retryable: true, connection: "out" };
    expect((await executor.jobState("next_ten"))._unsafeUnwrapErr()).toMatchObject(unavailable);
    expect(await executor.run("next_ten")).toMatchObject({ status: "failed", error: unavailable });
  });
});

it("is written through the first door: what the engine writes by itself nobody could look at", async () => {
  const out = memory();
  const doors: unknown[] = [];
  const watched: Connection = overlaid(out, {
    destination: (table: string) => {
      const destination = out.destination?.(table);
      return (
        destination &&
        overlaid(destination, {
          write: (rows, request) => {
            doors.push(rows.into, rows.dialect);
            return destination.write(rows, request);
          },
        })
      );
    },
  });
  await using executor = await started([nextTen()], { out: watched });
  await executor.run("next_ten");
  expect(doors).toEqual([undefined, undefined]);
});
