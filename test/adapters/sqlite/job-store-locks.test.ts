import { readdirSync, statSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { describe, expect, it, vi } from "vitest";
import { WalSync } from "../../../src/adapters/sqlite/ledger/wal-sync.js";
import type { RunStatus } from "../../../src/model/run-status.js";
import { claim, create, ledgerFile, newRun, somebodyWaits } from "./store-fixture.js";

describe("a ledger whose write lock another process holds", () => {
  it("is read meanwhile, and written when the lock is free", async () => {
    await using ledger = await ledgerFile();
    const store = await ledger.store();
    await create(store, newRun("a"));
    const other = ledger.database();
    other.exec("begin immediate; update millrace_runs set priority = 1");

    let answered = false;
    const writing = Promise.all([claim(store), create(store, newRun("b"))]).finally(() => (answered = true));
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
    const refused = expect(create(store, newRun("a"))).rejects.toMatchObject({
      code: "store_unavailable",
      retryable: true,
      message: expect.stringContaining("SQLITE_BUSY") as string,
      hint: expect.stringContaining("Another process") as string,
    });
    await somebodyWaits(ledger.clock);
    await ledger.clock.advance(11_000);
    await refused;
    other.exec("commit");
    expect((await create(store, newRun("a"))).created).toBe(true);
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

describe("the log of a ledger", () => {
  it("is brought into its file while the store works, and is gone when it ends", async () => {
    await using ledger = await ledgerFile();
    const store = await ledger.store();
    const before = statSync(ledger.path).size;
    for (let n = 0; n < 40; n += 1) {
      const runs = Array.from({ length: 30 }, (_, m) =>
        newRun(`run-${n}-${m}`, { parameters: { text: "x".repeat(999) } }),
      );
      await store.createRuns(runs);
    }
    // SQLite's own checkpoint would not come before 8,000 pages.
    expect(statSync(`${ledger.path}-wal`).size).toBeLessThan(8_000 * 4_096);
    while (statSync(ledger.path).size < before + 1_000_000) await new Promise((resolve) => setImmediate(resolve));
    await store.close();
    expect(readdirSync(ledger.folder)).toEqual(["ledger.db"]);
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

  it("comes before the answer of what must survive a power cut, and of nothing else", async () => {
    await using ledger = await ledgerFile();
    const store = await ledger.store();
    const own = await open(ledger.path);
    const syncs = vi.spyOn(Object.getPrototypeOf(own) as FileHandle, "datasync");
    await own.close();
    const synced = async (act: () => Promise<unknown>): Promise<number> => {
      syncs.mockClear();
      await act();
      return syncs.mock.calls.length;
    };
    const move =
      (id: string, from: RunStatus, to: RunStatus, epoch = 1) =>
      () =>
        store.transition(id, { from, to, epoch }, []);
    try {
      expect(await synced(() => create(store, newRun("a", { idempotencyKey: "k" })))).toBe(1);
      expect(await synced(() => create(store, newRun("b", { idempotencyKey: "k" })))).toBe(0);
      expect(await synced(() => claim(store))).toBe(0);
      expect(await synced(() => store.renewLease("a", { epoch: 1, leaseMs: 1 }))).toBe(0);
      expect(await synced(() => store.appendEvents("a", 1, [{ type: "run.progress", rows: 1, bytes: 1 }]))).toBe(0);
      expect(await synced(move("a", "running", "committing", 9))).toBe(0);
      expect(await synced(move("a", "running", "committing"))).toBe(1);
      expect(await synced(move("a", "committing", "pending"))).toBe(0);
      await claim(store);
      expect(await synced(() => store.requestCancel("a", null))).toBe(1);
      for (const to of ["failed", "cancelled"] as const) {
        await create(store, newRun(to));
        await claim(store);
        expect(await synced(move(to, "running", to))).toBe(1);
      }
      await create(store, newRun("late", { startDeadline: new Date(0) }));
      expect(await synced(() => claim(store))).toBe(1);

      let end = (): void => undefined;
      syncs.mockImplementation(() => new Promise((resolve) => (end = resolve)));
      let answered = false;
      const creating = create(store, newRun("last")).then(() => (answered = true));
      while (syncs.mock.calls.length < 2) await turn();
      await turn();
      expect(answered).toBe(false);
      end();
      await creating;
    } finally {
      syncs.mockRestore();
    }
  });
});
