import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { PostgresJobStore } from "../../src/adapters/postgres/postgres-job-store.js";
import { systemClock } from "../../src/adapters/system/system-clock.js";
import { defineJob } from "../../src/jobs/define-job.js";
import { describePostgres } from "../support/describe-postgres.js";
import { harness } from "../support/executor-harness.js";
import { Gate } from "../support/gate.js";
import { idBatch, type Play } from "../support/stub-engine.js";
import { startPostgres, type PostgresServer } from "../support/postgres-server.js";

const job = defineJob({
  name: "load",
  query: "load {n}",
  params: { n: "INTEGER" },
  destination: { table: "out.t" },
});

/** Of the run with n = 9 only. */
const untilCancelled: Play = async function* ({ signal, query }) {
  if (query.parameters.get("n")?.value === 9) await new Gate().pass(signal);
  yield idBatch([1]);
};

describePostgres("a prepared run and a transaction in Postgres", () => {
  let server: PostgresServer;
  let pool: pg.Pool;
  let parts: ReturnType<typeof harness>;

  beforeAll(async () => {
    server = await startPostgres({ fsync: false });
    pool = new pg.Pool({ connectionString: await server.createDatabase() });
    await pool.query("create table orders (id integer)");
    const store = new PostgresJobStore({ pool });
    const plays = { "load {n}": untilCancelled };
    parts = harness({ jobs: [job], store: store, clock: systemClock, plays });
    await parts.executor.start();
  }, 60_000);

  afterAll(async () => {
    await parts.executor.stop();
    await pool.end();
    await server[Symbol.asyncDispose]();
  }, 60_000);

  async function inTransaction<T>(end: "commit" | "rollback", act: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await pool.connect();
    try {
      await client.query("begin; insert into orders values (1)");
      return await act(client);
    } finally {
      await client.query(end);
      client.release();
    }
  }

  it("exists and runs when the host commits", async () => {
    const prepared = (await parts.executor.prepare("load", { n: 1 }))._unsafeUnwrap();
    const handle = await inTransaction("commit", async (client) => {
      const inserted = await prepared.insert(client);
      expect(await parts.executor.getRun(prepared.id)).toBeUndefined();
      return inserted;
    });
    expect(handle).toMatchObject({ id: prepared.id, created: true });
    expect(await handle.result()).toMatchObject({ status: "succeeded", parameters: { n: 1 } });
  });

  it("never was when the host rolls back", async () => {
    const prepared = (await parts.executor.prepare("load", { n: 1 }))._unsafeUnwrap();
    await inTransaction("rollback", (client) => prepared.insert(client));
    expect(await parts.executor.getRun(prepared.id)).toBeUndefined();
  });

  it("is the one that its idempotency key names, or a conflict", async () => {
    const options = { idempotencyKey: "k", runAt: new Date("2040-01-01") };
    const first = await parts.executor.submitOrThrow("load", { n: 1 }, options);
    const same = (await parts.executor.prepare("load", { n: 1 }, options))._unsafeUnwrap();
    expect(await inTransaction("commit", (client) => same.insert(client))).toMatchObject({
      id: first.id,
      created: false,
    });
    const other = (await parts.executor.prepare("load", { n: 2 }, options))._unsafeUnwrap();
    await expect(inTransaction("rollback", (client) => other.insert(client))).rejects.toMatchObject({
      code: "idempotency_conflict",
      runId: first.id,
    });
  });

  it("cannot be inserted without waiting, and then is not there", async () => {
    const prepared = (await parts.executor.prepare("load", { n: 1 }))._unsafeUnwrap();
    await inTransaction("commit", async (client) => {
      expect(() => prepared.insertSync(client)).toThrow(
        expect.objectContaining({ code: "unsupported_transaction", runId: prepared.id }),
      );
      return Promise.resolve();
    });
    expect(await parts.executor.getRun(prepared.id)).toBeUndefined();
  });

  it("is cancelled by its submitter's signal, also when that is aborted before the host commits", async () => {
    const abort = new AbortController();
    const options = { signal: abort.signal };
    const prepared = (await parts.executor.prepare("load", { n: 9 }, options))._unsafeUnwrap();
    const handle = await inTransaction("commit", async (client) => {
      const inserted = await prepared.insert(client);
      abort.abort();
      // Whoever asks before the commit is told of no run: so was the signal, by the last of these answers.
      for (let n = 0; n < 10; n += 1) expect(await parts.executor.cancel(inserted.id)).toBe("unknown_run");
      return inserted;
    });
    expect(await handle.result()).toMatchObject({ status: "cancelled" });
  });

  it("is refused for what is no client", async () => {
    const prepared = (await parts.executor.prepare("load", { n: 1 }))._unsafeUnwrap();
    await expect(prepared.insert({})).rejects.toMatchObject({ code: "invalid_definition" });
    expect(await inTransaction("commit", (client) => prepared.insert(client))).toMatchObject({ created: true });
  });
});
