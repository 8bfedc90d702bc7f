import { expect, it } from "vitest";
import { drain } from "../../src/testing/drain.js";
import { harness } from "../support/executor-harness.js";
import { idBatch, type Play } from "../support/stub-engine.js";

it("waits for every run, retries and later starts included", async () => {
  let calls = 0;
  const fails: Play = async function* () {
    calls += 1;
    await Promise.resolve();
    if (calls === 1) throw new Error("once");
    yield idBatch([1]);
  };
  const { executor, clock } = harness({ plays: { "select 1": fails }, execution: { maxAttempts: 2 } });
  await executor.start();
  const first = await executor.submitOrThrow("load");
  const later = await executor.submitOrThrow("load", undefined, { runAt: new Date(clock.now() + 90_000) });
  const runs = await drain(executor, { clock });
  expect(runs.map(({ id, status, attempt }) => [id, status, attempt])).toEqual([
    [first.id, "succeeded", 2],
    [later.id, "succeeded", 1],
  ]);
  expect(await drain(executor, { clock })).toEqual([]);
  await executor.stop();
});
