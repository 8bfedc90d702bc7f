import { expect, it } from "vitest";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { SequentialIds } from "../../src/testing/sequential-ids.js";
import { harness } from "../support/executor-harness.js";
import { reachedStore } from "../support/reached-store.js";

it("the signal of a run that ended in another process is let go of", async () => {
  const clock = new ManualClock();
  const ledger = new MemoryJobStore();
  await ledger.open({ clock });
  const way = reachedStore(ledger);
  const submitter = harness({ store: way.store, clock, ids: new SequentialIds("s"), role: "submit" });
  const worker = harness({ store: reachedStore(ledger).store, clock, ids: new SequentialIds("w"), role: "work" });
  await submitter.executor.start();
  await worker.executor.start();
  const abort = new AbortController();
  const { id } = await submitter.executor.submitOrThrow("load", undefined, { signal: abort.signal });
  await clock.advance(60_000);
  expect(await ledger.getRun(id)).toMatchObject({ status: "succeeded" });
  way.calls.length = 0;
  abort.abort();
  await clock.advance(60_000);
  expect(way.calls).toEqual([]);
  await submitter.executor.stop();
  await worker.executor.stop();
});

it("one signal for many submits and followers does not make Node warn", async () => {
  const warnings: string[] = [];
  const hear = ({ message }: Error): void => void warnings.push(message);
  process.on("warning", hear);
  try {
    const { executor } = harness();
    await executor.start();
    const { signal } = new AbortController();
    const submits = Array.from({ length: 20 }, () => executor.submitOrThrow("load", undefined, { signal }));
    const handles = await Promise.all(submits);
    const other = new AbortController().signal;
    const [run] = await Promise.all(handles.map((handle) => handle.result({ signal: other })));
    expect(run).toMatchObject({ status: "succeeded" });
    await executor.stop();
    // A warning is told in a later turn.
    await new Promise((resolve) => void setImmediate(resolve));
    expect(warnings).toEqual([]);
  } finally {
    process.off("warning", hear);
  }
});
