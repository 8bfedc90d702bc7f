import type { FileHandle } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { WalSync } from "../../../src/adapters/sqlite/ledger/wal-sync.js";
import type { ManualClock } from "../../../src/testing/manual-clock.js";
import { claim, ledgerFile, newRun } from "./store-fixture.js";

/** Resolves when somebody waits for the clock. */
async function somebodyWaits(clock: ManualClock): Promise<void> {
  while (clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
}

describe("a ledger whose write lock another process holds", () => {
  it("is read meanwhile, and written when the lock is free", async () => {
    await using ledger = await ledgerFile();
    const store = await ledger.store();
    await store.createRun(newRun("a"));
    const other = ledger.database();
    other.exec("begin immediate; update runs set priority = 1");

    let answered = false;
    const writing = Promise.all([claim(store), store.createRun(newRun("b"))]).finally(() => (answered = true));
    await somebodyWaits(ledger.clock);
    await ledger.clock.advance(1_000);
    expect((await store.getRun("a"))?.status).toBe("pending");
    expect((await store.listRuns({})).runs).toHaveLength(1);
    expect(answered).toBe(false);
    other.exec("commit");
    await ledger.clock.advance(25);
    const [claimed] = await writing;
    expect(claimed).toMatchObject([{ id: "a", priority: 1 }]);
  });

  it("is given up after ten seconds, with the act undone, and tried again by the next", async () => {
    await using ledger = await ledgerFile();
    const store = await ledger.store();
    const other = ledger.database();
    other.exec("begin immediate");
    const refused = expect(store.createRun(newRun("a"))).rejects.toMatchObject({
      code: "store_unavailable",
      retryable: true,
      message: expect.stringContaining("SQLITE_BUSY") as string,
      hint: expect.stringContaining("Another process") as string,
    });
    await somebodyWaits(ledger.clock);
    await ledger.clock.advance(11_000);
    await refused;
    other.exec("commit");
    expect((await store.createRun(newRun("a"))).created).toBe(true);
  });

  it("is closed all the same", async () => {
    await using ledger = await ledgerFile();
    const store = await ledger.store();
    const other = ledger.database();
    other.exec("begin immediate");
    const closing = store.close();
    await somebodyWaits(ledger.clock);
    await ledger.clock.advance(11_000);
    await closing;
    expect(store.isOpen).toBe(false);
    other.exec("commit");
  });
});

describe("the sync of a ledger", () => {
  // A file whose syncs end when the test says so.
  function file(): { readonly wal: WalSync; readonly ends: ((error?: Error) => void)[] } {
    const ends: ((error?: Error) => void)[] = [];
    const datasync = (): Promise<void> =>
      new Promise((resolve, reject) => ends.push((error) => (error ? reject(error) : resolve())));
    return { ends, wal: new WalSync({ datasync, close: () => Promise.resolve() } as FileHandle) };
  }
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it("is shared by those who ask while another runs, and never is one that began before they asked", async () => {
    const { wal, ends } = file();
    const order: string[] = [];
    const ask = (name: string): Promise<void> => wal.sync().then(() => void order.push(name));
    const first = ask("first");
    await turn();
    const others = [ask("second"), ask("third")];
    await turn();
    expect(ends).toHaveLength(1);
    ends[0]?.();
    await first;
    await turn();
    expect(order).toEqual(["first"]);
    expect(ends).toHaveLength(2);
    ends[1]?.();
    await Promise.all(others);
    const last = ask("fourth");
    await turn();
    expect(ends).toHaveLength(3);
    ends[2]?.();
    await last;
  });

  it("is never trusted again after it failed once", async () => {
    const { wal, ends } = file();
    const first = expect(wal.sync()).rejects.toThrow("EIO");
    await turn();
    const second = expect(wal.sync()).rejects.toThrow("EIO");
    ends[0]?.(new Error("EIO"));
    await Promise.all([first, second]);
    await expect(wal.sync()).rejects.toThrow("EIO");
    expect(ends).toHaveLength(1);
    await wal.close();
  });
});
