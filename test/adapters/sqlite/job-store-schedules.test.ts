import { describe, it } from "vitest";
import { bringUpTheFirstVersion, passOverBrokenRows, type LedgerByHand } from "../../support/schedules-by-hand.js";
import { create, ledgerFile, newRun, type LedgerFile } from "./store-fixture.js";

describe("the schedules of a ledger in SQLite", () => {
  it("have their tables made in a ledger that knows none yet", async () => {
    await using ledger = await ledgerFile();
    await bringUpTheFirstVersion(byHand(ledger), (store) => create(store, newRun("a")));
  });

  it("that somebody made unreadable are told of, and hide no others", async () => {
    await using ledger = await ledgerFile();
    await passOverBrokenRows(byHand(ledger));
  });
});

function byHand(ledger: LedgerFile): LedgerByHand {
  return {
    store: (logger) => ledger.store({ ...(logger && { logger }) }),
    sql: async (text) => ledger.database().exec(text),
  };
}
