import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { harness } from "../support/executor-harness.js";
import { Gate } from "../support/gate.js";
import { ScriptedDestination, writeWell } from "../support/scripted-destination.js";
import { idBatch, type Play } from "../support/stub-engine.js";

const unhandled: unknown[] = [];
const note = (reason: unknown) => void unhandled.push(reason);
let others: NodeJS.UnhandledRejectionListener[] = [];
beforeEach(() => {
  unhandled.length = 0;
  others = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", note);
});
afterEach(() => {
  process.removeAllListeners("unhandledRejection");
  for (const other of others) process.on("unhandledRejection", other);
});

const boom = () => {
  throw new Error("boom");
};

describe("a destination in plain JavaScript", () => {
  it("whose schema() throws instead of rejecting is connection_unavailable, at submit and at run time", async () => {
    const destination = new ScriptedDestination(writeWell);
    destination.schema = boom;
    const { executor } = harness({ destination });
    await executor.start();
    expect((await executor.submit("load"))._unsafeUnwrapErr()).toMatchObject({ code: "connection_unavailable" });
    let asked = 0;
    destination.schema = () => ((asked += 1) === 1 ? Promise.resolve(null) : boom());
    expect(await (await executor.submitOrThrow("load")).result()).toMatchObject({
      error: { code: "connection_unavailable", retryable: true },
    });
    await executor.stop();
  });
});

describe("a store that throws instead of rejecting", () => {
  for (const method of ["nextDueAt", "renewLease"] as const) {
    it(`from ${method} for a while: no unhandled rejection, and the run ends`, async () => {
      const store = new MemoryJobStore();
      const original = store[method].bind(store) as (...args: never[]) => never;
      let outage = false;
      (store as unknown as Record<string, unknown>)[method] = (...args: never[]) =>
        outage ? boom() : original(...args);
      const gate = new Gate();
      const waits: Play = async function* ({ signal }) {
        await gate.pass(signal);
        yield idBatch([1]);
      };
      const { executor, clock } = harness({ store, plays: { "select 1": waits }, leaseMs: 3_000 });
      await executor.start();
      const first = await executor.submitOrThrow("load");
      await gate.reached;
      outage = true;
      const second = await executor.submitOrThrow("load");
      await clock.advance(2_000);
      outage = false;
      gate.open();
      for (let n = 0; n < 20; n += 1) await clock.advance(1_000);
      expect.soft(unhandled).toEqual([]);
      expect.soft((await first.get())?.status).toBe("succeeded");
      expect.soft((await second.get())?.status).toBe("succeeded");
      await executor.stop();
    });
  }
});

describe("the store", () => {
  it("is given the logger, so that a run which no claim can read is told of", async () => {
    const store = new MemoryJobStore();
    const open = store.open.bind(store);
    let context: object = {};
    store.open = (given) => ((context = given), open(given));
    const { executor } = harness({ store });
    await executor.start();
    expect(context).toHaveProperty("logger");
    await executor.stop();
  });
});
