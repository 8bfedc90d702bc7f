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
