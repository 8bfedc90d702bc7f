import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { SqliteJobStore } from "../../src/adapters/sqlite/sqlite-job-store.js";
import { systemClock } from "../../src/adapters/system/system-clock.js";
import type { JobStore } from "../../src/ports/job-store.js";
import { SequentialIds } from "../../src/testing/sequential-ids.js";
import { harness } from "../support/executor-harness.js";
import { Gate } from "../support/gate.js";
import { idBatch, type Play } from "../support/stub-engine.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-one-store-"));
});
afterAll(() => rm(folder, { recursive: true }));

const STORES: Readonly<Record<string, () => JobStore>> = {
  "one MemoryJobStore": () => new MemoryJobStore(),
  "one SqliteJobStore in memory": () => new SqliteJobStore({ path: ":memory:" }),
  "one SqliteJobStore on a file": () => new SqliteJobStore({ path: join(folder, `${crypto.randomUUID()}.db`) }),
};

/** Two executors on one store object, of which one only submits; in real time, since each has its own clock. */
function two(store: JobStore, gate?: Gate) {
  const play: Play = async function* ({ signal }) {
    if (gate) await gate.pass(signal);
    yield idBatch([1]);
  };
  const [submitting, working] = (["submit", "work"] as const).map((role) =>
    harness({ store, role, clock: systemClock, ids: new SequentialIds(role), plays: { "select 1": play } }),
  );
  if (!submitting || !working) throw new Error("there are no executors");
  return { submitting: submitting.executor, working: working.executor };
}

describe.each(Object.entries(STORES))("two executors on %s", (_name, make) => {
  it("hear of each other: of new runs, of ends, of wishes to cancel", async () => {
    const store = make();
    const gate = new Gate();
    const { submitting, working } = two(store, gate);
    await submitting.start();
    await working.start();
    const cancelled = await submitting.submitOrThrow("load");
    const result = cancelled.result();
    await gate.reached;
    expect(await submitting.cancel(cancelled.id)).toBe("requested");
    expect(await result).toMatchObject({ status: "cancelled" });
    gate.open();
    const types: string[] = [];
    const handle = await submitting.submitOrThrow("load");
    for await (const { type } of handle.events()) types.push(type);
    expect(await handle.result()).toMatchObject({ status: "succeeded" });
    expect(types.at(-1)).toBe("run.succeeded");
    await Promise.all([submitting.stop(), working.stop()]);
    expect(store.isOpen).toBe(false);
  });

  it.each(["the first", "the second"])("outlive each other: %s stops, the other goes on", async (which) => {
    const store = make();
    const { submitting, working } = two(store);
    await working.start();
    await submitting.start();
    if (which === "the second") {
      await submitting.stop();
      await working.stop();
      expect(store.isOpen).toBe(false);
      return;
    }
    await working.stop();
    const handle = await submitting.submitOrThrow("load");
    expect(await handle.get()).toMatchObject({ status: "pending" });
    const heir = two(store).working;
    await heir.start();
    expect(await handle.result()).toMatchObject({ status: "succeeded" });
    await submitting.stop();
    expect(store.isOpen).toBe(true);
    await heir.stop();
    expect(store.isOpen).toBe(false);
  });
});
