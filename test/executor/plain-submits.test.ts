import { inspect } from "node:util";
import { expect, it } from "vitest";
import { isJobError } from "../../src/model/job-error.js";
import { harness } from "../support/executor-harness.js";

/** What a call gives or throws that is no success. */
async function failures(answer: unknown): Promise<readonly unknown[]> {
  const given: unknown = await Promise.resolve(answer).catch((error: unknown) => error);
  return [given].flat().map((one) => {
    return typeof one === "object" && one !== null && "isErr" in one
      ? ((one as { error?: unknown }).error ?? one)
      : one;
  });
}

it("whatever a plain-JavaScript host passes to the ways in, the answer is a typed error, and nothing is stored", async () => {
  const { executor } = harness();
  await executor.start();
  const hostile = new Proxy(
    {},
    {
      ownKeys: () => {
        throw new Error("no keys");
      },
    },
  );
  const odd: unknown[] = [
    null,
    42,
    "x",
    {},
    [null],
    [42],
    [{}],
    [{ name: "nope" }],
    Symbol("x"),
    () => 1,
    10n,
    hostile,
  ];
  for (const value of odd) {
    const calls: Record<string, () => unknown> = {
      submitMany: () => executor.submitMany(value as never),
      "an item": () => executor.submitMany([value] as never),
      "its options": () => executor.submitMany([{ name: "load", options: { startDeadline: value } }] as never),
      "its parameters": () => executor.submitMany([{ name: "load", params: { odd: value } }] as never),
      prepare: () => executor.prepare(value as never),
      redrive: () => executor.redrive(value as never),
      "redrive's options": () => executor.redrive("id", { runAt: value } as never),
      redriveMany: () => executor.redriveMany({ cursor: value } as never),
    };
    for (const [name, call] of Object.entries(calls)) {
      for (const failure of await failures(Promise.resolve().then(call))) {
        expect.soft(isJobError(failure), `${name}(${inspect(value)}): ${inspect(failure).slice(0, 200)}`).toBe(true);
      }
    }
  }
  expect((await executor.listRuns()).runs).toEqual([]);
  await executor.stop();
});
