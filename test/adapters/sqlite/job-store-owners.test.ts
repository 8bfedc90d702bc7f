import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { SqliteJobStore } from "../../../src/adapters/sqlite/sqlite-job-store.js";
import { systemClock } from "../../../src/adapters/system/system-clock.js";
import { claim, create, ledgerFile, newRun, takeOver } from "./store-fixture.js";
import { storeProcess } from "./store-process.js";

describe("the runs of an owner that is gone", () => {
  it("are free at once when its process was killed", async () => {
    await using ledger = await ledgerFile();
    const store = await ledger.store({ clock: systemClock });
    for (const id of ["a", "b", "c"]) await create(store, newRun(id));
    await using other = storeProcess(ledger.path, "hold");
    await other.heard("holding");
    expect(await takeOver(store)).toEqual([]);
    await other.kill();
    const taken = await takeOver(store, 1);
    expect(taken.map(({ id, status, lease }) => [id, status, lease?.owner, lease?.epoch])).toEqual([
      ["a", "running", "heir", 2],
    ]);
    // The rest, although the dead owner is known by now.
    expect((await takeOver(store)).map(({ id }) => id)).toEqual(["b"]);
    expect(await takeOver(store)).toEqual([]);
  });

  it("stay its own while it is merely stopped, until their lease ends", async () => {
    await using ledger = await ledgerFile();
    const store = await ledger.store();
    await create(store, newRun("a"));
    ledger.clock.jumpTo(systemClock.now());
    await using other = storeProcess(ledger.path, "hold");
    await other.heard("holding");
    other.child.kill("SIGSTOP");
    ledger.clock.jumpTo(systemClock.now());
    expect(await takeOver(store)).toEqual([]);
    await ledger.clock.advance(60_000);
    expect(await takeOver(store)).toHaveLength(1);
  });

  it("are free at once when its store was closed", async () => {
    await using ledger = await ledgerFile();
    const [first, second] = [await ledger.store(), await ledger.store()];
    await create(first, newRun("a"));
    await claim(first);
    expect(await takeOver(second)).toEqual([]);
    await first.close();
    expect(await takeOver(second)).toHaveLength(1);
  });

  it("are not mistaken for those of another store of the same process", async () => {
    await using ledger = await ledgerFile();
    const [first, second] = [await ledger.store(), await ledger.store()];
    await create(first, newRun("a"));
    await create(second, newRun("b"));
    await claim(first, 1);
    await claim(second, 1);
    for (const store of [first, second, await ledger.store()]) expect(await takeOver(store)).toEqual([]);
    // Looking must not have freed a lock.
    await using other = storeProcess(ledger.path, "open");
    await other.ended;
    expect(other.said).toMatchObject([{ opened: expect.any(String) as string }]);
    for (const store of [first, second]) expect(await takeOver(store)).toEqual([]);
  });

  it("wait for the end of their lease when the lock was deleted by hand", async () => {
    await using ledger = await ledgerFile();
    const [first, second] = [await ledger.store(), await ledger.store()];
    await create(first, newRun("a"));
    await claim(first);
    rmSync(`${ledger.path}.millrace_owners`, { recursive: true });
    expect(await takeOver(second)).toEqual([]);
    await ledger.clock.advance(60_000);
    expect(await takeOver(second)).toHaveLength(1);
  });

  it("belong to who took them, not to who wrote to them last", async () => {
    await using ledger = await ledgerFile();
    const [first, second] = [await ledger.store(), await ledger.store()];
    await create(first, newRun("a"));
    await claim(first);
    expect(await second.requestCancel("a", null)).toBe("requested");
    await first.close();
    expect(await takeOver(await ledger.store())).toHaveLength(1);
  });
});

describe("the locks of owners", () => {
  const locks = (path: string): readonly string[] =>
    existsSync(`${path}.millrace_owners`) ? readdirSync(`${path}.millrace_owners`) : [];

  it("leave nothing behind a clean end", async () => {
    await using ledger = await ledgerFile();
    const [first, second] = [await ledger.store(), await ledger.store()];
    expect(locks(ledger.path)).toEqual(["1.lock", "2.lock"]);
    await first.close();
    expect(locks(ledger.path)).toEqual(["2.lock"]);
    await second.close();
    expect(readdirSync(ledger.folder)).toEqual(["ledger.db"]);
  });

  it("of killed processes are swept away by the next opening, and only they", async () => {
    await using ledger = await ledgerFile();
    const store = await ledger.store({ clock: systemClock });
    await using other = storeProcess(ledger.path, "hold");
    await other.heard("holding");
    await other.kill();
    writeFileSync(`${ledger.path}.millrace_owners/notes.txt`, "somebody's");
    expect(locks(ledger.path)).toEqual(["1.lock", "2.lock", "notes.txt"]);
    await ledger.store({ clock: systemClock });
    expect(locks(ledger.path)).toEqual(["1.lock", "3.lock", "notes.txt"]);
    expect(await takeOver(store)).toEqual([]);
  });

  it("are told apart when a ledger was deleted and made anew under a living process", async () => {
    await using ledger = await ledgerFile();
    await ledger.store();
    renameSync(ledger.path, `${ledger.path}.old`);
    for (const suffix of ["-wal", "-shm"]) rmSync(`${ledger.path}${suffix}`);
    const store = new SqliteJobStore({ path: ledger.path });
    await store.open({ clock: ledger.clock });
    expect(locks(ledger.path)).toEqual(["1.lock", "2.lock"]);
    await create(store, newRun("a"));
    await claim(store);
    expect(await takeOver(store)).toEqual([]);
    await store.close();
  });
});
