import { describe, expect, it } from "vitest";
import type { RunEvent } from "../../src/model/run-event.js";
import { allEvents, harness } from "../support/executor-harness.js";
import { Gate } from "../support/gate.js";
import { ScriptedDestination } from "../support/scripted-destination.js";
import { idBatch, type Play } from "../support/stub-engine.js";

describe("the events of a run", () => {
  it("are the same live, replayed, and from any position", async () => {
    const { executor } = harness();
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    const live = await allEvents(handle);
    expect(await allEvents(handle)).toEqual(live);
    expect(live.every(({ runId }) => runId === handle.id)).toBe(true);
    for (let after = 0; after <= live.length + 1; after += 1) {
      const rest: RunEvent[] = [];
      for await (const event of handle.events({ after })) rest.push(event);
      expect(rest).toEqual(live.slice(after));
    }
    await executor.stop();
  });

  it("never wait for a slow reader", async () => {
    const { executor } = harness();
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    const slow = handle.events()[Symbol.asyncIterator]();
    expect((await slow.next()).value).toMatchObject({ type: "run.pending" });
    // The reader takes nothing more, and the run ends all the same.
    expect(await handle.result()).toMatchObject({ status: "succeeded" });
    const rest: string[] = [];
    for (let next = await slow.next(); !next.done; next = await slow.next()) rest.push(next.value.type);
    expect(rest).toEqual(["run.running", "run.committing", "run.succeeded"]);
    await executor.stop();
  });

  it("carry progress, thinned before it is numbered", async () => {
    const gate = new Gate();
    const destination = new ScriptedDestination(async (rows, request) => {
      let rowsStaged = 0;
      for await (const batch of rows) {
        rowsStaged += batch.numRows;
        request.onProgress(rowsStaged, rowsStaged * 8);
      }
      await gate.pass();
      return (await request.permit({ rowsStaged })).committed();
    });
    const many: Play = async function* () {
      for (let batch = 0; batch < 500; batch += 1) yield idBatch([batch]);
    };
    const { executor, clock } = harness({ destination, plays: { "select 1": many } });
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    await gate.reached;
    await clock.advance(10_000);
    gate.open();
    const progress = (await allEvents(handle)).filter(({ type }) => type === "run.progress");
    expect(progress).toMatchObject([{ rows: 500, bytes: 4_000 }]);
    await executor.stop();
  });

  it("of an unknown run, and a result of one, say so", async () => {
    const { executor } = harness();
    await executor.start();
    const handle = executor.handle("nobody");
    expect(await handle.get()).toBeUndefined();
    await expect(allEvents(handle)).rejects.toMatchObject({ code: "unknown_run", runId: "nobody" });
    await expect(handle.result()).rejects.toMatchObject({ code: "unknown_run" });
    await executor.stop();
  });

  it("end with the reader's signal and with the executor", async () => {
    const gate = new Gate();
    const waits: Play = async function* ({ signal }) {
      await gate.pass(signal);
      yield idBatch([1]);
    };
    const { executor } = harness({ plays: { "select 1": waits } });
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    await gate.reached;
    const abort = new AbortController();
    const reading = handle.result({ signal: abort.signal });
    const following = allEvents(handle);
    abort.abort();
    await expect(reading).rejects.toMatchObject({ code: "aborted" });
    await Promise.all([
      expect(following).rejects.toMatchObject({ code: "executor_stopped" }),
      executor.stop({ mode: "cancel" }),
    ]);
  });
});
