import { describe, expect, it } from "vitest";
import { ExecutorEvents, type ExecutorEvent } from "../../src/runs/executor-events.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { harness } from "../support/executor-harness.js";

const pruned = (count: number) => ({ type: "runs.pruned", count }) as const;

async function all(events: AsyncIterable<ExecutorEvent>): Promise<ExecutorEvent[]> {
  const read: ExecutorEvent[] = [];
  for await (const event of events) read.push(event);
  return read;
}

describe("executor events", () => {
  it("reach every reader from its own beginning, dated, until the end", async () => {
    const clock = new ManualClock();
    const events = new ExecutorEvents(clock);
    events.emit(pruned(1));
    const first = events.follow();
    events.emit(pruned(2));
    const second = events.follow();
    events.emit(pruned(3));
    events.close();
    const at = new Date(clock.now());
    expect(await all(first)).toEqual([
      { ...pruned(2), at },
      { ...pruned(3), at },
    ]);
    expect(await all(second)).toEqual([{ ...pruned(3), at }]);
    expect(await all(events.follow())).toEqual([]);
  });

  it("are dropped for a reader that is too slow, oldest first, and counted", async () => {
    const events = new ExecutorEvents(new ManualClock());
    const slow = events.follow();
    for (let count = 1; count <= 1_250; count += 1) events.emit(pruned(count));
    events.close();
    const read = await all(slow);
    expect(read).toHaveLength(1_001);
    expect(read[0]).toMatchObject({ type: "events.dropped", count: 250 });
    expect(read[1]).toMatchObject(pruned(251));
    expect(read.at(-1)).toMatchObject(pruned(1_250));
  });

  it("wake a reader that waits, and answer overlapping calls in their order", async () => {
    const events = new ExecutorEvents(new ManualClock());
    const reader = events.follow();
    const answers = [reader.next(), reader.next(), reader.next()];
    events.emit(pruned(1));
    events.emit(pruned(2));
    expect((await answers[0])?.value).toMatchObject(pruned(1));
    expect((await answers[1])?.value).toMatchObject(pruned(2));
    await reader.return?.();
    expect(await answers[2]).toEqual({ done: true, value: undefined });
  });

  it("end with aborted when the reader's signal is, also while it waits", async () => {
    const events = new ExecutorEvents(new ManualClock());
    const controller = new AbortController();
    const waiting = events.follow(controller.signal).next();
    controller.abort(new Error("enough"));
    await expect(waiting).rejects.toMatchObject({ code: "aborted" });
    await expect(events.follow(controller.signal).next()).rejects.toMatchObject({ code: "aborted" });
  });

  it("of an executor can be followed before it starts, and end when it has stopped", async () => {
    const { executor } = harness();
    const reading = all(executor.events());
    await executor.start();
    await executor.stop();
    expect(await reading).toEqual([]);
    expect(() => executor.events({ signal: "no" as never })).toThrow(
      expect.objectContaining({ field: "options.signal" }),
    );
  });
});
