import { expect, it } from "vitest";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { harness } from "../support/executor-harness.js";
import { StubEngine } from "../support/stub-engine.js";

it("goes on at once while the ledger gives fewer runs than there is room for", async () => {
  const store = new MemoryJobStore();
  const claim = store.claimRuns.bind(store);
  store.claimRuns = (request) => claim({ ...request, limit: 1 });
  const { executor } = harness({ store, maxConcurrentRuns: 10 });
  await executor.start();
  const submitted = await executor.submitMany(Array.from({ length: 5 }, () => ({ name: "load" as const })));
  // The clock stands still, so that no poll helps.
  const ends = await Promise.all(submitted.map((one) => one._unsafeUnwrap().result()));
  expect(ends.map(({ status }) => status)).toEqual(Array(5).fill("succeeded"));
  await executor.stop();
});

it("leaves the host its turns of the event loop between the attempts of a large claim", async () => {
  const engine = new StubEngine();
  const stream = engine.stream.bind(engine);
  let started = 0;
  let most = 0;
  engine.stream = (query, options) => {
    if (started === 0) setImmediate(() => (started = 0));
    most = Math.max(most, (started += 1));
    return stream(query, options);
  };
  const { executor } = harness({ engine, maxConcurrentRuns: 200 });
  await executor.start();
  const submitted = await executor.submitMany(Array.from({ length: 200 }, () => ({ name: "load" as const })));
  await Promise.all(submitted.map((one) => one._unsafeUnwrap().result()));
  expect(most).toBeGreaterThan(1);
  expect(most).toBeLessThanOrEqual(64);
  await executor.stop();
});
