import { describe, expect, it } from "vitest";
import type { StoreChange } from "../../../src/model/run-change.js";
import { claim, create, ledgerFile, newRun, type LedgerFile } from "./store-fixture.js";

async function watched(ledger: LedgerFile) {
  const changes: StoreChange[] = [];
  const store = await ledger.store({ onChange: (change) => changes.push(change) });
  return { store, changes };
}

describe("what others do to a ledger", () => {
  it("is told soon, and once", async () => {
    await using ledger = await ledgerFile();
    const other = await ledger.store();
    const { changes } = await watched(ledger);
    await ledger.clock.advance(1_000);
    expect(changes).toEqual([]);
    await create(other, newRun("a"));
    await create(other, newRun("b"));
    await ledger.clock.advance(20);
    expect(changes).toEqual([{ kind: "unknown" }]);
    await ledger.clock.advance(1_000);
    expect(changes).toHaveLength(1);
    await claim(other);
    await ledger.clock.advance(20);
    expect(changes).toHaveLength(2);
  });

  it("is not what one does oneself, but that a run may start is told before it is on the disk", async () => {
    await using ledger = await ledgerFile();
    const { store, changes } = await watched(ledger);
    const told = store.createRuns([newRun("a")]).then(() => [...changes]);
    expect(await told).toEqual([{ kind: "pending" }]);
    await claim(store);
    await ledger.clock.advance(1_000);
    expect(changes).toHaveLength(1);
  });

  it("is what the host stored through a connection of its own", async () => {
    await using ledger = await ledgerFile();
    const { store, changes } = await watched(ledger);
    const host = ledger.database();
    host.transaction(() => store.createRunsIn(host, [newRun("a")]))();
    await ledger.clock.advance(20);
    expect(changes).toEqual([{ kind: "unknown" }]);
  });

  it("is asked for only while a store is open, and somebody listens", async () => {
    await using ledger = await ledgerFile();
    await ledger.store();
    expect(ledger.clock.pending).toBe(0);
    const { store } = await watched(ledger);
    expect(ledger.clock.pending).toBe(1);
    await ledger.clock.advance(100);
    expect(ledger.clock.pending).toBe(1);
    await store.close();
    expect(ledger.clock.pending).toBe(0);
  });
});

it("a run is given as others changed it, although this store wrote it last", async () => {
  await using ledger = await ledgerFile();
  const [one, two] = [await ledger.store(), await ledger.store()];
  await create(one, newRun("a"));
  await claim(one);
  expect(await two.requestCancel("a", "no")).toBe("requested");
  const permit = { from: "running", to: "committing", epoch: 1, unlessCancelRequested: true } as const;
  expect(await one.transition("a", permit, [])).toMatchObject({ moved: false, reason: "cancel_requested" });
  await ledger.clock.advance(60_000);
  expect(await two.claimExpired({ owner: "heir", limit: 1, leaseMs: 60_000 })).toHaveLength(1);
  expect(await one.renewLease("a", { epoch: 1, leaseMs: 1 })).toEqual({ held: false });
});

it("an answer is a copy, also of what the store remembers, or cannot be changed", async () => {
  await using ledger = await ledgerFile();
  const store = await ledger.store();
  await create(store, newRun("a", { parameters: { n: 1 } }));
  const [claimed] = await claim(store);
  expect(() => Object.assign(claimed?.parameters ?? {}, { n: 2 })).toThrow(TypeError);
  Object.assign(claimed?.lease ?? {}, { epoch: 9 });
  const move = { from: "running", to: "committing", epoch: 1 } as const;
  const outcome = await store.transition("a", move, []);
  expect(outcome).toMatchObject({ moved: true, run: { parameters: { n: 1 } } });
  Object.assign((outcome as { run: object }).run, { status: "succeeded" });
  expect(await store.transition("a", { from: "committing", to: "failed", epoch: 1 }, [])).toMatchObject({
    moved: true,
  });
});
