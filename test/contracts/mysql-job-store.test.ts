import type { PoolConnection } from "mysql2";
import { afterAll, beforeAll } from "vitest";
import { MySqlJobStore } from "../../src/adapters/mysql/mysql-job-store.js";
import { jobStoreContract, type HostTransaction } from "../../src/testing/job-store-contract.js";
import { DatabaseClock } from "../adapters/mysql/ledger/database-clock.js";
import { contractSuite } from "../support/contract-suite.js";
import { describeMysql } from "../support/describe-mysql.js";
import { startMariadb, type MariadbServer } from "../support/mariadb-server.js";

describeMysql("on a real server", () => {
  let server: MariadbServer;
  beforeAll(async () => {
    server = await startMariadb({ fsync: false });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  contractSuite(
    "MySqlJobStore keeps the contract",
    jobStoreContract({
      make: async () => {
        const clock = new DatabaseClock(await server.createDatabase());
        return {
          store: new MySqlJobStore({ pool: clock.pool() }),
          clock,
          reopen: async () => new MySqlJobStore({ pool: clock.pool() }),
          begin: async () => begun(await clock.connection()),
          dispose: () => clock.close(),
        };
      },
    }),
  );
});

async function begun(connection: PoolConnection): Promise<HostTransaction> {
  const host = connection.promise();
  await host.beginTransaction();
  return { transaction: connection, commit: () => host.commit(), rollback: () => host.rollback() };
}
