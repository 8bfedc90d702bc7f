import { describe, expect, it } from "vitest";
import { MemoryJobStore } from "../../../src/adapters/memory/memory-job-store.js";
import { ManualClock } from "../../../src/testing/manual-clock.js";
import { claim, create, newRun, takeOver } from "../sqlite/store-fixture.js";

async function opened(store = new MemoryJobStore(), clock = new ManualClock()) {
  await store.open({ clock });
  return { store, clock };
}

describe("MemoryJobStore", () => {
  it("never acts within the call", async () => {
    const { store } = await opened();
    const creating = create(store, newRun("a"));
    expect(store.snapshot().runs).toEqual([]);
    await creating;
    const claiming = claim(store);
    expect(store.snapshot().runs[0]?.record.run.status).toBe("pending");
    await claiming;
    expect(store.snapshot().runs[0]?.record.run.status).toBe("running");
  });

  it("gives a snapshot that nothing changes any more", async () => {
    const { store } = await opened();
    await create(store, newRun("a"));
    const snapshot = store.snapshot();
    const before = structuredClone(snapshot);
    await claim(store);
    await create(store, newRun("b"));
    expect(snapshot).toEqual(before);
  });

  it("goes on from a snapshot as after a crash: leases hold until they expire", async () => {
    const { store, clock } = await opened();
    for (const id of ["running", "ready"]) await create(store, newRun(id));
    await create(store, newRun("later", { priority: 9, runAt: new Date(clock.now() + 500) }));
    await create(
      store,
      newRun("overdue", { runAt: new Date(clock.now() + 999), startDeadline: new Date(clock.now() + 400) }),
    );
    await claim(store, 1);
    const crashed = store.snapshot();
    await claim(store);

    const { store: next } = await opened(new MemoryJobStore({ snapshot: crashed }), clock);
    expect(next.snapshot()).toEqual(crashed);
    expect(await takeOver(next)).toEqual([]);
    expect(await next.nextDueAt()).toEqual(new Date(clock.now() + 400));
    await clock.advance(500);
    expect((await claim(next)).map(({ id, status }) => [id, status])).toEqual([
      ["overdue", "failed"],
      ["later", "running"],
      ["ready", "running"],
    ]);
    await clock.advance(60_000);
    expect((await takeOver(next)).map(({ id }) => id)).toEqual(["running", "ready", "later"]);
    await create(next, newRun("newest"));
    expect((await next.listRuns({ limit: 1 })).runs[0]?.id).toBe("newest");
  });

  it("goes back to a snapshot with all that followed forgotten", async () => {
    const { store } = await opened();
    await create(store, newRun("a", { idempotencyKey: "k" }));
    const snapshot = store.snapshot();
    await claim(store);
    await create(store, newRun("b"));
    store.restore(snapshot);
    expect((await store.listRuns({})).runs.map(({ id }) => id)).toEqual(["a"]);
    expect(await claim(store)).toHaveLength(1);
    expect((await create(store, newRun("c", { idempotencyKey: "k" }))).created).toBe(false);
  });

  it("keeps its runs while it is closed", async () => {
    const { store } = await opened();
    await create(store, newRun("a"));
    await store.close();
    await opened(store);
    expect(await store.getRun("a")).toBeDefined();
  });

  it("claims without looking at all that is pending", async () => {
    const { store } = await opened();
    const count = 20_000;
    await Promise.all(
      Array.from({ length: count }, (_, n) => create(store, newRun(`run-${n}`, { priority: (n * 7_919) % 97 }))),
    );
    // Were each claim to go through the pending runs, this would take minutes.
    const claimed = [];
    for (let n = 0; n < count; n += 1) claimed.push(...(await claim(store, 1)));
    expect(new Set(claimed.map(({ id }) => id)).size).toBe(count);
    const priorities = claimed.map(({ priority }) => priority);
    expect(priorities).toEqual([...priorities].sort((left, right) => right - left));
  });
});
