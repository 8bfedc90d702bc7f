import { afterAll, beforeAll, it } from "vitest";
import { describePostgres } from "../../support/describe-postgres.js";
import { startPostgres, type PostgresServer } from "../../support/postgres-server.js";
import { bringUpTheFirstVersion, passOverBrokenRows, type LedgerByHand } from "../../support/schedules-by-hand.js";
import { newRun, openLedger, query } from "./ledger-harness.js";

describePostgres("the schedules of a ledger in Postgres", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres({ fsync: false });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it("have their tables made in a ledger that knows none yet", async () => {
    await bringUpTheFirstVersion(byHand(await server.createDatabase()), (store) => store.createRuns([newRun()]));
  });

  it("that somebody made unreadable are told of, and hide no others", async () => {
    await passOverBrokenRows(byHand(await server.createDatabase()));
  });
});

function byHand(url: string): LedgerByHand {
  return {
    store: async (logger) => (await openLedger({ url }, logger)).store,
    sql: (text) => query(url, text),
  };
}
