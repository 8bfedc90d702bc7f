import { expect, it } from "vitest";
import { PoolLanes } from "../../../src/adapters/duckdb/pool-lanes.js";

/** A call that is over when it is told to be. */
function call(started: string[], name: string): { run: () => Promise<void>; end: () => void } {
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  return {
    run: () => {
      started.push(name);
      return ended;
    },
    end: () => end(),
  };
}

const turn = (): Promise<void> => new Promise(setImmediate);

it("leaves one thread to the host and one to short calls, and starts each kind in its order", async () => {
  const lanes = new PoolLanes(4);
  const started: string[] = [];
  const calls = ["long 1", "long 2", "long 3", "short 1", "short 2", "short 3"].map((name) => ({
    name,
    ...call(started, name),
  }));
  const running = calls.map(({ name, run }) => (name.startsWith("long") ? lanes.long(run) : lanes.short(run)));
  const expectStarted = async (...names: string[]): Promise<void> => {
    await turn();
    expect(started).toEqual(names);
  };
  await expectStarted("long 1", "long 2", "short 1");
  calls[3]?.end();
  await expectStarted("long 1", "long 2", "short 1", "short 2");
  calls[0]?.end();
  await expectStarted("long 1", "long 2", "short 1", "short 2", "short 3");
  calls[4]?.end();
  await expectStarted("long 1", "long 2", "short 1", "short 2", "short 3", "long 3");
  for (const { end } of calls) end();
  await Promise.all(running);
  expect(await lanes.long(() => Promise.resolve("again"))).toBe("again");
});

it.each([1, 2, 3])("works with a pool of %i", async (poolSize) => {
  const lanes = new PoolLanes(poolSize);
  let most = 0;
  let now = 0;
  const work = async (): Promise<void> => {
    now += 1;
    most = Math.max(most, now);
    await turn();
    now -= 1;
  };
  await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? lanes.long(work) : lanes.short(work))));
  expect(most).toBe(Math.max(1, poolSize - 1));
});

it("a call that fails gives its place back", async () => {
  const lanes = new PoolLanes(1);
  await expect(lanes.short(() => Promise.reject(new Error("failed")))).rejects.toThrow("failed");
  await expect(lanes.long(() => Promise.reject(new Error("failed")))).rejects.toThrow("failed");
  expect(await lanes.short(() => Promise.resolve(1))).toBe(1);
});
