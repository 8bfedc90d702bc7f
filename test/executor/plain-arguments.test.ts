import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { SqliteJobStore } from "../../src/adapters/sqlite/sqlite-job-store.js";
import { isJobError } from "../../src/model/job-error.js";
import { harness } from "../support/executor-harness.js";

const stores = { memory: () => new MemoryJobStore(), sqlite: () => new SqliteJobStore({ path: ":memory:" }) };

describe("what a plain-JavaScript host may pass where an id, a reason or a query belongs", () => {
  for (const [kind, make] of Object.entries(stores)) {
    it(`is a typed error or an honest answer: ${kind} ledger`, async () => {
      const { executor, clock } = harness({ store: make() });
      await executor.start();
      const later = { runAt: new Date(clock.now() + 1e9) };
      const odd: unknown[] = [undefined, null, 42, {}, [], Symbol("x"), "a\u0000b", "x".repeat(100_000), () => 1, 10n];
      for (const value of odd) {
        const run = await executor.submitOrThrow("load", undefined, later);
        const acts: Record<string, () => unknown> = {
          getRun: () => executor.getRun(value as never),
          cancel: () => executor.cancel(value as never),
          reason: () => run.cancel(value as never),
          listRuns: () => executor.listRuns({ jobName: value as never }),
          status: () => executor.listRuns({ status: value as never }),
          query: () => executor.listRuns(value as never),
          events: () =>
            executor
              .handle(value as never)
              .events()
              [Symbol.asyncIterator]()
              .next(),
          getJob: () => executor.getJob(value as never),
        };
        for (const [name, act] of Object.entries(acts)) {
          const thrown = await Promise.resolve()
            .then(act)
            .then(
              () => null,
              (error: unknown) => error,
            );
          if (thrown !== null && !isJobError(thrown)) {
            expect
              .soft(
                `${(thrown as Error).name}: ${(thrown as Error).message}`,
                `${name}(${inspect(value).slice(0, 30)})`,
              )
              .toBe("a JobError");
          }
        }
      }
      const stopping = executor.stop();
      await stopping;
    });
  }
});
