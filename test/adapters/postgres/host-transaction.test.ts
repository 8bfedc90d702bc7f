import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describePostgres } from "../../support/describe-postgres.js";
import { startPostgres, type PostgresServer } from "../../support/postgres-server.js";
import { claim, newRun, openLedger, query } from "./ledger-harness.js";

describePostgres("submitting in the host's own transaction", () => {
  let server: PostgresServer;
  let url: string;
  let pool: pg.Pool;
  beforeAll(async () => {
    server = await startPostgres({ fsync: false });
    url = await server.createDatabase();
    pool = new pg.Pool({ connectionString: url });
    await pool.query("create table orders (id int)");
  });
  afterAll(async () => {
    await pool.end();
    await server[Symbol.asyncDispose]();
  });

  it("the run exists once the host commits, and is announced then", async () => {
    await using ledger = await openLedger({ url });
    const client = await pool.connect();
    await client.query("begin");
    await client.query("insert into orders values (1)");
    const [created] = await ledger.store.createRunsIn(client, [newRun()]);
    expect(created?.created).toBe(true);
    expect(await ledger.store.getRun(created?.run.id ?? "")).toBeUndefined();
    expect(await claim(ledger.store, 5)).toEqual([]);
    expect(ledger.changes).toEqual([]);
    await client.query("commit");
    client.release();
    await ledger.heard(({ kind }) => kind === "pending");
    expect(await ledger.store.getRun(created?.run.id ?? "")).toEqual(created?.run);
    expect(await ledger.store.readEvents(created?.run.id ?? "", { after: 0, limit: 5 })).toMatchObject([
      { type: "run.pending", seq: 1 },
    ]);
    expect((await claim(ledger.store, 5)).map(({ id }) => id)).toEqual([created?.run.id]);
  });

  it("nothing is left when the host rolls back", async () => {
    await using ledger = await openLedger({ url });
    const client = await pool.connect();
    await client.query("begin");
    const [first] = await ledger.store.createRunsIn(client, [newRun({ idempotencyKey: "again" })]);
    await client.query("rollback");
    client.release();
    const [second] = await ledger.store.createRuns([newRun({ idempotencyKey: "again" })]);
    expect([first?.created, second?.created]).toEqual([true, true]);
    expect(
      await query(
        url,
        "select 1 from millrace_run_definitions d where not exists (select from millrace_runs where seq = d.run_seq)",
      ),
    ).toEqual([]);
    await claim(ledger.store, 5);
  });

  it("a known key gives the known run, and does not fail the transaction", async () => {
    await using ledger = await openLedger({ url });
    const [known] = await ledger.store.createRuns([newRun({ idempotencyKey: "known" })]);
    const client = await pool.connect();
    await client.query("begin");
    const answers = await ledger.store.createRunsIn(client, [
      newRun({ idempotencyKey: "known" }),
      newRun(),
      newRun({ idempotencyKey: "known" }),
    ]);
    expect(answers.map(({ created }) => created)).toEqual([false, true, false]);
    expect(answers[0]?.run).toEqual(known?.run);
    await client.query("insert into orders values (2)");
    await client.query("commit");
    client.release();
    expect(await claim(ledger.store, 5)).toHaveLength(2);
  });

  it("a submission with a key waits for the transaction that has it, and holds up no other", async () => {
    await using ledger = await openLedger({ url });
    const client = await pool.connect();
    await client.query("begin");
    const [first] = await ledger.store.createRunsIn(client, [newRun({ idempotencyKey: "open" })]);
    const waiting = ledger.store.createRuns([newRun({ idempotencyKey: "open" })]);
    expect(await ledger.store.createRuns([newRun()])).toHaveLength(1);
    await client.query("commit");
    client.release();
    expect((await waiting)[0]).toMatchObject({ created: false, run: { id: first?.run.id } });
  });

  it("a submission whose key nobody holds is neither held up nor refused for the sake of others", async () => {
    await using ledger = await openLedger({ url });
    const client = await pool.connect();
    await client.query("begin");
    const keys = Array.from({ length: 8 }, (_, index) => `held ${index}`);
    const held = keys.map((key) => newRun({ idempotencyKey: key }));
    await ledger.store.createRunsIn(client, held);
    const began = performance.now();
    const waiting = keys.map((key) => ledger.store.createRuns([newRun({ idempotencyKey: key })]));
    const batch = ledger.store.createRuns([
      newRun({ idempotencyKey: "in a batch" }),
      newRun({ idempotencyKey: "held 0" }),
    ]);
    const free = await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const [answer] = await ledger.store.createRuns([newRun({ idempotencyKey: `free ${index}` })]);
        return { created: answer?.created, ms: performance.now() - began };
      }),
    );
    const later = performance.now();
    // What comes now meets keys that are known to be held; a key of the batch that waits is nobody's yet.
    await ledger.store.createRuns([newRun({ idempotencyKey: "later" })]);
    const laterMs = performance.now() - later;
    const [shared] = await ledger.store.createRuns([newRun({ idempotencyKey: "in a batch" })]);
    const slowestMs = Math.max(...free.map(({ ms }) => ms));
    console.log({ slowestMs, laterMs });
    // A tenth of a second on a quiet machine; whoever waits for a stranger's key waits for five.
    expect(free.every(({ created }) => created)).toBe(true);
    expect(slowestMs).toBeLessThan(1_000);
    expect(laterMs).toBeLessThan(1_000);
    expect(shared?.created).toBe(true);
    await client.query("commit");
    client.release();
    const answers = (await Promise.all([...waiting, batch])).flat();
    expect(answers.map(({ run, created }) => [run.id, created])).toEqual(
      [...held, shared?.run, held[0]].map((run) => [run?.id, false]),
    );
  });

  it("a submission takes the place of a run that the host rolled back", async () => {
    await using ledger = await openLedger({ url });
    const client = await pool.connect();
    await client.query("begin");
    await ledger.store.createRunsIn(client, [newRun({ idempotencyKey: "rolled back" })]);
    const given = newRun({ idempotencyKey: "rolled back" });
    const waiting = ledger.store.createRuns([given]);
    await ledger.store.createRuns([newRun({ idempotencyKey: "beside it" })]);
    await client.query("rollback");
    client.release();
    expect(await waiting).toMatchObject([{ created: true, run: { id: given.id } }]);
  });

  it("a submission whose key is held for long is refused, says why, and stores nothing", async () => {
    await using ledger = await openLedger({ url });
    const client = await pool.connect();
    await client.query("begin");
    const [first] = await ledger.store.createRunsIn(client, [newRun({ idempotencyKey: "for long" })]);
    const refused = await ledger.store
      .createRuns([newRun(), newRun({ idempotencyKey: "for long" })])
      .catch((e: unknown) => e);
    expect(refused).toMatchObject({ code: "store_unavailable", retryable: true, nothingStored: true });
    expect(String(refused)).toContain("another transaction has held its idempotency key");
    // Who closes the store waits for nobody's transaction.
    const waiting = ledger.store.createRuns([newRun({ idempotencyKey: "for long" })]).catch((e: unknown) => e);
    await ledger.store.createRuns([newRun({ idempotencyKey: "one more" })]);
    const closing = performance.now();
    await ledger.store.close();
    expect(performance.now() - closing).toBeLessThan(1_000);
    expect(await waiting).toMatchObject({ code: "store_unavailable", nothingStored: true });
    await client.query("commit");
    client.release();
    const there = await query(url, "select id from millrace_runs where idempotency_key = '\"for long\"'");
    expect(there).toEqual([{ id: first?.run.id }]);
  });

  it("refuses what is no client of pg", async () => {
    await using ledger = await openLedger({ url });
    for (const given of [undefined, null, 7, {}, { query: () => undefined }, pool, url]) {
      await expect(ledger.store.createRunsIn(given, [newRun()])).rejects.toMatchObject({
        code: "invalid_definition",
        field: "transaction",
      });
    }
  });
});
