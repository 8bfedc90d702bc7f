import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ManualClock } from "../../../src/testing/manual-clock.js";
import type { NewRun } from "../../../src/model/run.js";
import type { JobStore } from "../../../src/ports/job-store.js";
import { RunLedger } from "../../../src/runs/run-ledger.js";
import { storeRuns } from "../../../src/runs/store-runs.js";
import { describePostgres } from "../../support/describe-postgres.js";
import { overlaid } from "../../support/overlaid.js";
import { startPostgres, type PostgresServer } from "../../support/postgres-server.js";
import { newRun, openLedger, query } from "./ledger-harness.js";

describePostgres("a submission whose commit is under way when its answer is lost", () => {
  let server: PostgresServer;
  let url: string;
  let pool: pg.Pool;
  beforeAll(async () => {
    server = await startPostgres({ fsync: false });
    url = await server.createDatabase();
    pool = new pg.Pool({ connectionString: url });
  });
  afterAll(async () => {
    await pool.end();
    await server[Symbol.asyncDispose]();
  });

  /** Stores runs over a connection that is lost at the commit, which ends so once the second act waits for it. */
  async function store(runs: readonly NewRun[], end: "commit" | "rollback") {
    await using ledger = await openLedger({ url });
    const client = await pool.connect();
    let calls = 0;
    const createRuns: JobStore["createRuns"] = async (given) => {
      calls += 1;
      if (calls === 1) {
        await client.query("begin");
        await ledger.store.createRunsIn(client, given);
        throw new Error("connection reset");
      }
      const answer = ledger.store.createRuns(given);
      // Behind the first look of the second act.
      await ledger.store.createRuns([newRun()]);
      await client.query(end);
      return answer;
    };
    const services = {
      ledger: new RunLedger(overlaid<JobStore>(ledger.store, { createRuns })),
      clock: new ManualClock(),
    };
    const ends = await storeRuns(runs, services);
    client.release();
    const ids = runs.map(({ id }) => id);
    const there = await query(url, "select id from millrace_runs where id = any ($1) order by seq", [ids]);
    return { ends: ends.map((one) => (one.kind === "stored" ? [one.run.id, one.created] : one.kind)), there };
  }

  it.each(["commit", "rollback"] as const)("is stored once, whether that ends with %s", async (end) => {
    for (const key of [null, `key ${end}`]) {
      const run = newRun({ idempotencyKey: key });
      expect(await store([run], end)).toEqual({ ends: [[run.id, true]], there: [{ id: run.id }] });
    }
    await using ledger = await openLedger({ url });
    const [known] = await ledger.store.createRuns([newRun({ idempotencyKey: `known ${end}` })]);
    const batch = [newRun(), newRun({ idempotencyKey: `known ${end}` }), newRun({ idempotencyKey: `new ${end}` })];
    const [plain, , keyed] = batch;
    expect(await store(batch, end)).toEqual({
      ends: [
        [plain?.id, true],
        [known?.run.id, false],
        [keyed?.id, true],
      ],
      there: [{ id: plain?.id }, { id: keyed?.id }],
    });
  });
});
