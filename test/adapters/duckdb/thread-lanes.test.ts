import { expect, it } from "vitest";
import { engineLanes } from "../../../src/adapters/duckdb/thread-lanes.js";
import { Gate } from "../../support/gate.js";

it.each([
  [4, 3],
  [16, 15],
  [128, 127],
])("of %i threads of libuv's pool, calls of the engine take at most %i", async (poolSize, most) => {
  const { short, long } = engineLanes(poolSize);
  const gate = new Gate();
  let inside = 0;
  const call = async (): Promise<void> => {
    inside += 1;
    await gate.pass();
  };
  const calls = Array.from({ length: poolSize }, () => [short.run(call), long.run(call)]).flat();
  await new Promise(setImmediate);
  expect(inside).toBe(most);
  gate.open();
  await Promise.all(calls);
  expect(inside).toBe(2 * poolSize);
});

it("calls start in the order in which they were asked for", async () => {
  const { short } = engineLanes(4);
  const started: number[] = [];
  const calls = [1, 2, 3].map((name) => short.run(() => Promise.resolve(started.push(name))));
  await Promise.all(calls);
  expect(started).toEqual([1, 2, 3]);
});
