// A process that works on a ledger until it is killed. Started by the tests of SqliteJobStore, which tell it what to do.
import { SqliteJobStore } from "../../../src/adapters/sqlite/sqlite-job-store.js";
import { systemClock } from "../../../src/adapters/system/system-clock.js";
import { isJobError } from "../../../src/model/job-error.js";
import { create, newRun } from "./store-fixture.js";

const [path = "", task = ""] = process.argv.slice(2);
const store = new SqliteJobStore({ path });
const owner = `child-${process.pid}`;

function tell(message: object): Promise<void> {
  return new Promise((resolve) => void process.send?.(message, () => resolve()));
}

/** Takes runs through their lives, in several lanes, and tells each answer. */
async function work(lane: number): Promise<void> {
  for (let count = 0; ; count += 1) {
    const { run } = await create(store, newRun(`${process.pid}-${lane}-${count}`));
    await tell({ id: run.id, status: "pending" });
    for (const claimed of await store.claimRuns({ owner, limit: 1, leaseMs: 60_000 })) {
      const { id, lease } = claimed;
      const epoch = lease?.epoch ?? 0;
      await tell({ id, status: "running" });
      await store.transition(id, { from: "running", to: "committing", epoch, commitId: id }, [
        { type: "run.committing", commitId: id, rowsStaged: 1 },
      ]);
      await tell({ id, status: "committing" });
      await store.transition(id, { from: "committing", to: "succeeded", epoch, rowsWritten: 1 }, [
        { type: "run.succeeded", rowsWritten: 1, snapshotId: null },
      ]);
      await tell({ id, status: "succeeded" });
    }
  }
}

/** Claims until nothing is left, and tells what it got. */
async function claimAll(): Promise<void> {
  const claimed: string[] = [];
  for (;;) {
    const runs = await store.claimRuns({ owner, limit: 3, leaseMs: 60_000 });
    if (runs.length === 0) break;
    claimed.push(...runs.map(({ id }) => id));
  }
  await tell({ claimed });
}

/** Carries runs out until all have ended, several at once where their gates let them. */
async function carryOutAll(): Promise<void> {
  const carriedOut: string[] = [];
  while ((await store.listRuns({ status: ["pending", "running"], limit: 1 })).runs.length > 0) {
    const runs = await store.claimRuns({ owner, limit: 4, leaseMs: 60_000 });
    for (const { id, lease } of runs) {
      const { moved } = await store.transition(id, { from: "running", to: "failed", epoch: lease?.epoch ?? 0 }, []);
      if (moved) carriedOut.push(id);
    }
  }
  await tell({ carriedOut });
}

/** Keeps what it claims, renewing and reporting all the time, until somebody wishes each to be cancelled. */
async function keepUntilCancelled(): Promise<void> {
  const held = new Map<string, number>();
  const event = { type: "run.cancelled", reason: null } as const;
  for (let round = 0; ; round += 1) {
    const runs = await store.claimRuns({ owner, limit: 4, leaseMs: 600_000 });
    for (const { id, lease } of runs) held.set(id, lease?.epoch ?? 0);
    await Promise.all(
      [...held].map(async ([id, epoch]) => {
        const progress = { type: "run.progress", rows: round, bytes: null } as const;
        if (round % 16 === 0) await store.appendEvents(id, epoch, [progress]);
        const state = await store.renewLease(id, { epoch, leaseMs: 600_000 });
        if (!state.held) throw new Error(`${id} is not held any more`);
        if (!state.cancelRequested) return;
        held.delete(id);
        const { moved } = await store.transition(id, { from: "running", to: "cancelled", epoch }, [event]);
        if (!moved) throw new Error(`${id} did not move`);
      }),
    );
  }
}

try {
  await store.open({ clock: systemClock });
  await tell({ opened: owner });
  if (task === "work") await Promise.all([0, 1, 2].map(work));
  if (task === "claim") process.on("message", () => void claimAll());
  if (task === "hold") {
    await store.claimRuns({ owner, limit: 2, leaseMs: 60_000 });
    // Nothing else keeps the process alive.
    process.on("message", () => undefined);
    await tell({ holding: true });
  }
  if (task === "gates")
    process.on("message", () => void carryOutAll().catch((error: unknown) => tell({ failed: String(error) })));
  if (task === "keep") await keepUntilCancelled();
  if (task === "submit") process.on("message", (id: string) => void create(store, newRun(id)));
  if (task === "open") await store.close();
} catch (error) {
  await tell(
    isJobError(error) ? { failed: error.code, message: error.message, hint: error.hint } : { failed: String(error) },
  );
  process.exit(1);
}
