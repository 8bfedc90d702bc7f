import { describe, expect, it } from "vitest";
import { noticingWaits } from "../../../src/adapters/duckdb/noticing-waits.js";

/** Gives 1, 2, 3 and then ends as told; counts how often it is told to end. */
function numbers(end: "done" | "failure") {
  const asked = { returned: 0 };
  let last = 0;
  const iterator: AsyncIterator<number> = {
    next: async () => {
      if (last < 3) return { done: false, value: (last += 1) };
      if (end === "failure") throw new Error("no more");
      return { done: true, value: undefined };
    },
    return: async () => {
      asked.returned += 1;
      return { done: true, value: undefined };
    },
  };
  return { asked, things: { [Symbol.asyncIterator]: () => iterator } };
}

const nothing = (): Promise<void> => Promise.resolve();

describe("things whose waits are noticed", () => {
  it("come as they are given, and their source is not told to end when it has", async () => {
    const { asked, things } = numbers("done");
    const got: number[] = [];
    for await (const thing of noticingWaits(things, nothing)) got.push(thing);
    expect(got).toEqual([1, 2, 3]);
    expect(asked.returned).toBe(0);
  });

  it("end with the failure of their source, which is not told to end either", async () => {
    const { asked, things } = numbers("failure");
    const read = async (): Promise<void> => {
      for await (const _ of noticingWaits(things, nothing));
    };
    await expect(read()).rejects.toThrow("no more");
    expect(asked.returned).toBe(0);
  });

  it("tell their source to end, once, when nobody wants more", async () => {
    const { asked, things } = numbers("done");
    for await (const _ of noticingWaits(things, nothing)) break;
    expect(asked.returned).toBe(1);
  });
});
