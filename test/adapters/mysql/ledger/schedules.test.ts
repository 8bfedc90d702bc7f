import { afterAll, beforeAll, it } from "vitest";
import { MySqlJobStore } from "../../../../src/adapters/mysql/mysql-job-store.js";
import { systemClock } from "../../../../src/adapters/system/system-clock.js";
import { describeMysql } from "../../../support/describe-mysql.js";
import { startMariadb, type MariadbServer } from "../../../support/mariadb-server.js";
import { bringUpTheFirstVersion, passOverBrokenRows, type LedgerByHand } from "../../../support/schedules-by-hand.js";
import { newRun, query } from "./ledger-harness.js";

describeMysql("the schedules of a ledger in MySQL", () => {
  let server: MariadbServer;
  beforeAll(async () => {
    server = await startMariadb({ fsync: false });
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
    store: async (logger) => {
      const store = new MySqlJobStore({ url });
      await store.open({ clock: systemClock, ...(logger && { logger }) });
      return store;
    },
    sql: (text) => query(url, text),
  };
}
