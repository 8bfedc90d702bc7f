import pg from "pg";
import { afterAll, beforeAll } from "vitest";
import { PostgresJobStore } from "../../src/adapters/postgres/postgres-job-store.js";
import { jobStoreContract, type HostTransaction } from "../../src/testing/job-store-contract.js";
import { DatabaseClock } from "../adapters/postgres/database-clock.js";
import { contractSuite } from "../support/contract-suite.js";
import { describePostgres } from "../support/describe-postgres.js";
import { startPostgres, type PostgresServer } from "../support/postgres-server.js";

describePostgres("on a real server", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres({ fsync: false });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  contractSuite(
    "PostgresJobStore keeps the contract",
    jobStoreContract({
      make: async () => {
        const url = await server.createDatabase();
        const clock = await DatabaseClock.of(url);
        return {
          store: new PostgresJobStore({ url }),
          clock,
          reopen: async () => new PostgresJobStore({ url }),
          begin: async () => begun(new pg.Client({ connectionString: url })),
          dispose: () => clock.close(),
        };
      },
    }),
  );
});

async function begun(client: pg.Client): Promise<HostTransaction> {
  // A clause that fails leaves it open when the server goes.
  client.on("error", () => undefined);
  await client.connect();
  await client.query("begin");
  const end = async (how: "commit" | "rollback"): Promise<void> => {
    await client.query(how);
    await client.end();
  };
  return { transaction: client, commit: () => end("commit"), rollback: () => end("rollback") };
}
