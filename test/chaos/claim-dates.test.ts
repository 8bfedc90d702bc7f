import { afterAll, beforeAll, expect, it } from "vitest";
import pg from "pg";
import { setTimeout as pause } from "node:timers/promises";
import { PostgresJobStore, type PostgresPool } from "../../src/adapters/postgres/entry.js";
import { systemClock } from "../../src/adapters/system/system-clock.js";
import { EXECUTION_DEFAULTS } from "../../src/model/job-definition.js";
import type { NewRun } from "../../src/model/run.js";
import { describePostgres } from "../support/describe-postgres.js";
import { Gate } from "../support/gate.js";
import { overlaid } from "../support/overlaid.js";
import { startPostgres, type PostgresServer } from "../support/postgres-server.js";

const LEASE_MS = 1_000;

describePostgres("a claim that sleeps between two of its statements", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it("dates what it starts by the time at which it starts it, and gives a whole lease", async () => {
    const url = await server.createDatabase();
    const gate = new Gate();
    const pool = new pg.Pool({ connectionString: url });
    const sleepy = new PostgresJobStore({ pool: heldUp(pool, /queue = 'ready' and .* skip locked/s, gate) });
    const awake = new PostgresJobStore({ url });
    await awake.open({ clock: systemClock });
    await sleepy.open({ clock: systemClock });
    try {
      await awake.createRuns([newRun("first")]);
      const claiming = sleepy.claimRuns({ owner: "sleepy", limit: 2, leaseMs: LEASE_MS });
      await gate.reached;
      // The ledger's times are whole milliseconds.
      await pause(20);
      await awake.createRuns([newRun("second")]);
      gate.open();
      expect(await claiming).toHaveLength(2);
      const [pending, running] = await awake.readEvents("second", { after: 0, limit: 2 });
      expect(running?.at.getTime()).toBeGreaterThanOrEqual(pending?.at.getTime() ?? Infinity);
      const expiresAt = (await awake.getRun("second"))?.lease?.expiresAt.getTime();
      expect(expiresAt).toBeGreaterThanOrEqual((pending?.at.getTime() ?? Infinity) + LEASE_MS);
    } finally {
      await sleepy.close();
      await awake.close();
      await pool.end();
    }
  });
});

/** A pool whose connections wait at the gate before the statements that fit. */
function heldUp(pool: pg.Pool, statement: RegExp, gate: Gate): pg.Pool {
  const connect: PostgresPool["connect"] = (done) => {
    pool.connect((error, client) => {
      if (!client) return done(error, undefined);
      const query = async (asked: pg.QueryConfig): Promise<pg.QueryResult> => {
        if (statement.test(asked.text)) await gate.pass();
        return client.query(asked);
      };
      done(undefined, overlaid(client, { query: query as pg.PoolClient["query"] }));
    });
  };
  return overlaid(pool, { connect: connect as pg.Pool["connect"] });
}

function newRun(id: string): NewRun {
  return {
    id,
    jobName: "job",
    definitionHash: "",
    definition: {
      query: "",
      parameters: [],
      destination: { table: "a.b", mode: { kind: "append" } },
      execution: EXECUTION_DEFAULTS,
    },
    parameters: {},
    priority: 0,
    idempotencyKey: null,
    connections: [],
    concurrencyKey: null,
    redriveOf: null,
    runAt: null,
    startDeadline: null,
  };
}
