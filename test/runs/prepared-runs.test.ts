import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, describe, expect, it } from "vitest";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { SqliteJobStore } from "../../src/adapters/sqlite/sqlite-job-store.js";
import { defineJob } from "../../src/jobs/define-job.js";
import { SecretVault } from "../../src/runs/secret-vault.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { harness } from "../support/executor-harness.js";
import { rowsOf, type Play } from "../support/stub-engine.js";

const job = defineJob({
  name: "load",
  query: "load {n}",
  params: { n: "INTEGER" },
  destination: { table: "out.t" },
});
const secretive = defineJob({
  name: "secretive",
  query: "secretive {token}",
  params: { token: { type: "VARCHAR", secret: true } },
  destination: { table: "out.t" },
});

const left: (() => unknown)[] = [];
afterEach(async () => {
  for (const leave of left.splice(0).toReversed()) await leave();
});

/** A ledger beside the host's own table, in one file, and the host's connection to it. */
async function beside(options: Parameters<typeof harness>[0] = {}) {
  const folder = await mkdtemp(join(tmpdir(), "millrace-"));
  left.push(() => rm(folder, { recursive: true }));
  const path = join(folder, "host.db");
  const database = new Database(path);
  left.push(() => database.close());
  database.pragma("journal_mode = wal");
  database.exec("create table orders (id integer)");
  const store = new SqliteJobStore({ path, besideOtherTables: true });
  const parts = harness({ jobs: [job, secretive], store: store, ...options });
  await parts.executor.start();
  left.push(() => parts.executor.stop());
  const orders = () => database.prepare("select count(*) from orders").pluck().get();
  return { ...parts, database, orders };
}

describe("a prepared run", () => {
  it("is stored with the host's transaction, and then carried out without a poll", async () => {
    const { executor, database, orders } = await beside();
    const prepared = (await executor.prepare("load", { n: 1 }))._unsafeUnwrap();
    expect((await executor.listRuns()).runs).toEqual([]);
    const handle = database.transaction(() => {
      database.exec("insert into orders values (1)");
      return prepared.insertSync(database);
    })();
    expect(handle).toMatchObject({ id: prepared.id, jobName: "load", created: true });
    expect(await handle.result()).toMatchObject({ status: "succeeded", parameters: { n: 1 } });
    expect(orders()).toBe(1);
  });

  it("is not there when the transaction was rolled back", async () => {
    const { executor, database, orders } = await beside();
    const prepared = (await executor.prepare("load", { n: 1 }))._unsafeUnwrap();
    const roll = database.transaction(() => {
      database.exec("insert into orders values (1)");
      prepared.insertSync(database);
      throw new Error("no");
    });
    expect(roll).toThrow("no");
    expect(orders()).toBe(0);
    expect((await executor.listRuns()).runs).toEqual([]);
    expect(await executor.getRun(prepared.id)).toBeUndefined();
  });

  it("can be awaited too", async () => {
    const { executor, database } = await beside();
    const prepared = (await executor.prepare("load", { n: 1 }))._unsafeUnwrap();
    database.exec("begin immediate");
    const handle = await prepared.insert(database);
    expect((await executor.listRuns()).runs).toEqual([]);
    database.exec("commit");
    expect(await handle.get()).toMatchObject({ id: prepared.id });
  });

  it("is inserted once", async () => {
    const { executor, database } = await beside();
    const prepared = (await executor.prepare("load", { n: 1 }))._unsafeUnwrap();
    prepared.insertSync(database);
    expect(() => prepared.insertSync(database)).toThrow(
      expect.objectContaining({ code: "prepared_run_used", runId: prepared.id }),
    );
    await expect(prepared.insert(database)).rejects.toMatchObject({ code: "prepared_run_used" });
  });

  it("that could not be inserted can be inserted again", async () => {
    const { executor, database } = await beside();
    const prepared = (await executor.prepare("load", { n: 1 }))._unsafeUnwrap();
    expect(() => prepared.insertSync({})).toThrow(expect.objectContaining({ code: "invalid_definition" }));
    expect(prepared.insertSync(database).created).toBe(true);
  });

  it("gives the run that its idempotency key names, or the conflict", async () => {
    const { executor, database } = await beside();
    const options = { idempotencyKey: "k" };
    const first = await executor.submitOrThrow("load", { n: 1 }, options);
    const same = (await executor.prepare("load", { n: 1 }, options))._unsafeUnwrap();
    expect(same.insertSync(database)).toMatchObject({ id: first.id, created: false });
    const other = (await executor.prepare("load", { n: 2 }, options))._unsafeUnwrap();
    expect(() => other.insertSync(database)).toThrow(
      expect.objectContaining({ code: "idempotency_conflict", runId: first.id }),
    );
  });

  it("is refused as a submit is, before any transaction", async () => {
    const { executor } = await beside();
    expect((await executor.prepare("load", { n: 1.5 }))._unsafeUnwrapErr().code).toBe("invalid_parameter");
    const prepared = (await executor.prepare("load", { n: 1 }))._unsafeUnwrap();
    await executor.stop();
    expect((await executor.prepare("load", { n: 1 }))._unsafeUnwrapErr().code).toBe("executor_stopped");
    await expect(prepared.insert({})).rejects.toMatchObject({ code: "executor_stopped" });
  });

  it("is cancelled by the signal of its submitter", async () => {
    const { executor, database, clock } = await beside();
    const controller = new AbortController();
    const options = { signal: controller.signal, runAt: new Date(clock.now() + 1e6) };
    const handle = (await executor.prepare("load", { n: 1 }, options))._unsafeUnwrap().insertSync(database);
    controller.abort();
    expect(await handle.result()).toMatchObject({ status: "cancelled" });
  });

  it("is not inserted once the signal of its submitter is aborted", async () => {
    const { executor, database } = await beside();
    const abort = new AbortController();
    const prepared = (await executor.prepare("load", { n: 1 }, { signal: abort.signal }))._unsafeUnwrap();
    abort.abort();
    expect(() => database.transaction(() => prepared.insertSync(database))()).toThrow(
      expect.objectContaining({ code: "aborted" }),
    );
    expect((await executor.listRuns()).runs).toEqual([]);
  });
});

describe("a ledger that knows no such transaction", () => {
  it("is named", async () => {
    const { executor } = harness({ jobs: [job], store: new MemoryJobStore() });
    await executor.start();
    const prepared = (await executor.prepare("load", { n: 1 }))._unsafeUnwrap();
    const refusal = { code: "unsupported_transaction", message: expect.stringContaining("MemoryJobStore") as string };
    expect(() => prepared.insertSync({})).toThrow(expect.objectContaining(refusal));
    await expect(prepared.insert({})).rejects.toMatchObject(refusal);
    await executor.stop();
  });

  it("or only one that has to be awaited, is never asked for a run by insertSync", async () => {
    const store = new MemoryJobStore();
    const asked: number[] = [];
    const later = Object.assign(store, {
      createRunsIn: (_: unknown, runs: readonly object[]) => {
        asked.push(runs.length);
        return Promise.reject(new Error("nobody waits for this"));
      },
    });
    const { executor } = harness({ jobs: [job], store: later });
    await executor.start();
    const prepared = (await executor.prepare("load", { n: 1 }))._unsafeUnwrap();
    expect(() => prepared.insertSync({})).toThrow(
      expect.objectContaining({
        code: "unsupported_transaction",
        hint: expect.stringContaining("insert(client)") as string,
      }),
    );
    expect(asked).toEqual([0]);
    await expect(prepared.insert({})).rejects.toMatchObject({
      code: "store_unavailable",
      message: expect.stringContaining("nobody waits") as string,
    });
    await executor.stop();
  });
});

describe("the secrets of a prepared run", () => {
  const token = { token: "sk-very-secret" };

  it("outlive every sweep until the host commits", async () => {
    const seen: unknown[] = [];
    const play: Play = (context) => {
      seen.push(context.query.parameters.get("token")?.value);
      return rowsOf(1)(context);
    };
    const { executor, database, clock } = await beside({ plays: { "secretive {token}": play }, leaseMs: 1_000 });
    const prepared = (await executor.prepare("secretive", token))._unsafeUnwrap();
    database.exec("begin");
    const handle = await prepared.insert(database);
    await clock.advance(30_000);
    database.exec("commit");
    // Less than a lease: this is no test of a worker that sleeps.
    await clock.advance(500);
    expect(await handle.result()).toMatchObject({ status: "succeeded" });
    expect(seen).toEqual([token.token]);
  });

  it("are named to the sweep that drops them once no transaction can be that old", () => {
    const clock = new ManualClock();
    const vault = new SecretVault(null, clock);
    const settle = vault.hold("run", new Map([["token", "secret"]]));
    settle("in_transaction");
    expect([vault.heldIds(), vault.texts("run")]).toEqual([[], ["secret"]]);
    clock.jumpTo(clock.now() + 599_999);
    expect(vault.heldIds()).toEqual([]);
    clock.jumpTo(clock.now() + 1);
    expect(vault.heldIds()).toEqual(["run"]);
    vault.forget("run");
    expect([vault.heldIds(), vault.texts("run")]).toEqual([[], []]);
  });
});
