import { expect, it } from "vitest";
import { PoolLanes } from "../../../src/adapters/duckdb/pool-lanes.js";
import { Gate } from "../../support/gate.js";

it.each([4, 16, 128])(
  "of %i threads of libuv's pool one is left to the host, and one more to short calls",
  async (size) => {
    for (const [kinds, most] of [
      [["short", "long"], size - 1],
      [["long"], size - 2],
    ] as const) {
      const lanes = new PoolLanes(size);
      const gate = new Gate();
      let inside = 0;
      const call = async (): Promise<void> => {
        inside += 1;
        await gate.pass();
      };
      const calls = Array.from({ length: size }, () => kinds.map((kind) => lanes[kind](call))).flat();
      await new Promise(setImmediate);
      expect(inside).toBe(most);
      gate.open();
      await Promise.all(calls);
      expect(inside).toBe(calls.length);
    }
  },
);

it("calls start in the order in which they were asked for", async () => {
  const lanes = new PoolLanes(3);
  const started: number[] = [];
  await Promise.all([1, 2, 3].map((name) => lanes.long(() => Promise.resolve(started.push(name)))));
  expect(started).toEqual([1, 2, 3]);
});
