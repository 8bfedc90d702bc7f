import { describe, expect, it } from "vitest";
import { gatesOf } from "../../../src/model/concurrency-gate.js";
import type { ExecutionPolicy } from "../../../src/model/job-definition.js";
import { isTerminal } from "../../../src/model/run-status.js";
import type { JobRun, NewRun } from "../../../src/model/run.js";
import { seededRandom } from "../../crash/seeded-random.js";
import { claim, create, ledgerFile, newRun } from "./store-fixture.js";
import type { SqliteJobStore } from "../../../src/adapters/sqlite/sqlite-job-store.js";

const SEED = Number(process.env["MILLRACE_SEED"] ?? Date.now() % 1_000_000);

async function end(store: SqliteJobStore, { id, lease }: JobRun): Promise<void> {
  const { moved } = await store.transition(id, { from: "running", to: "failed", epoch: lease?.epoch ?? 0 }, []);
  expect(moved).toBe(true);
}

function keyed(id: string, parts: Partial<NewRun> = {}, limits: Partial<ExecutionPolicy> = {}): NewRun {
  return newRun(id, { concurrencyKey: "k", ...parts }, limits);
}

describe("runs that a full gate stops", () => {
  it("stand in the way of no other, however many they are", async () => {
    await using ledger = await ledgerFile();
    const store = await ledger.store();
    const blocked = Array.from({ length: 3_000 }, (_, n) =>
      newRun(`blocked-${n}`, { priority: 1 }, { maxConcurrent: 1 }),
    );
    await store.createRuns(blocked);
    expect((await claim(store, 1)).map(({ id }) => id)).toEqual(["blocked-0"]);
    await create(store, newRun("free", { jobName: "other" }));
    expect((await claim(store)).map(({ id }) => id)).toEqual(["free"]);
    const database = ledger.database();
    const inQueue = (queue: string): unknown =>
      database.prepare("select count(*) from millrace_runs where queue = ?").pluck().get(queue);
    expect([inQueue("parked"), inQueue("ready")]).toEqual([2_999, 0]);
    // From now on a claim does not even look at them.
    await create(store, newRun("free too", { jobName: "other" }));
    expect((await claim(store)).map(({ id }) => id)).toEqual(["free too"]);
    await store.requestCancel("blocked-1", null);
    expect([inQueue("parked"), inQueue("ready")]).toEqual([2_998, 0]);
  });

  it("come through in their order, one for each that leaves", async () => {
    await using ledger = await ledgerFile();
    const store = await ledger.store();
    const runs = [newRun("a"), newRun("b"), newRun("high", { priority: 1 }), newRun("c")];
    for (const { id, priority } of runs) await create(store, keyed(id, { priority }, { maxConcurrentPerKey: 2 }));
    const order: string[] = [];
    let [running, next] = [await claim(store), await claim(store)];
    expect([running.length, next.length]).toEqual([2, 0]);
    while (running[0]) {
      order.push(running[0].id);
      await end(store, running[0]);
      next = await claim(store);
      expect(next.length).toBeLessThanOrEqual(1);
      running = [...running.slice(1), ...next];
    }
    expect(order).toEqual(["high", "a", "b", "c"]);
  });

  it("do not wait for one that no worker can take", async () => {
    await using ledger = await ledgerFile();
    const store = await ledger.store();
    const claimFor = (...connections: string[]): Promise<readonly JobRun[]> =>
      store.claimRuns({ owner: "w", limit: 9, leaseMs: 60_000, connections });
    await create(store, keyed("first"));
    const [first] = await claimFor("m");
    await create(store, keyed("rare", { connections: ["rare"] }));
    await create(store, keyed("common"));
    expect([await claimFor("rare"), await claimFor("m")]).toEqual([[], []]);
    if (first) await end(store, first);
    expect(await store.missingConnections(["m"])).toEqual(["rare"]);
    expect((await claimFor("m")).map(({ id }) => id)).toEqual(["common"]);
  });

  it("do not wait for one that needs more room", async () => {
    await using ledger = await ledgerFile();
    const store = await ledger.store();
    for (const id of ["a", "b", "c"]) await create(store, keyed(id, {}, { maxConcurrentPerKey: 3 }));
    const [a] = await claim(store);
    await create(store, keyed("alone", {}, { maxConcurrentPerKey: 1 }));
    await create(store, keyed("d", {}, { maxConcurrentPerKey: 3 }));
    expect(await claim(store)).toEqual([]);
    if (a) await end(store, a);
    expect((await claim(store)).map(({ id }) => id)).toEqual(["d"]);
  });
});

/** What a claim must take, said in the simplest way. */
class Model {
  readonly runs: { readonly run: NewRun; readonly seq: number; status: string; runAt: number; started: boolean }[] = [];

  add(run: NewRun): void {
    this.runs.push({ run, seq: this.runs.length, status: "pending", runAt: run.runAt?.getTime() ?? 0, started: false });
  }

  claim(limit: number, connections: readonly string[], now: number): readonly string[] {
    const pending = this.runs.filter(({ status }) => status === "pending");
    const overdue = pending
      .filter(({ run, started }) => !started && run.startDeadline !== null && run.startDeadline.getTime() < now)
      .sort((left, right) => Number(left.run.startDeadline) - Number(right.run.startDeadline) || left.seq - right.seq)
      .slice(0, limit);
    for (const entry of overdue) entry.status = "failed";
    const taken = overdue.map(({ run }) => run.id);
    const ready = pending
      .filter(
        ({ status, runAt, run }) =>
          status === "pending" && runAt <= now && run.connections.every((name) => connections.includes(name)),
      )
      .sort((left, right) => right.run.priority - left.run.priority || left.seq - right.seq);
    for (const entry of ready) {
      if (taken.length >= limit) break;
      const full = gatesOf(entry.run).some((gate) => this.#behind(gate.name) >= gate.limit);
      if (full) continue;
      Object.assign(entry, { status: "running", started: true });
      taken.push(entry.run.id);
    }
    return taken;
  }

  #behind(name: string): number {
    return this.runs.filter(
      ({ run, status }) => status === "running" && gatesOf(run).some((gate) => gate.name === name),
    ).length;
  }
}

describe("claims among random gates, priorities, times and connections", () => {
  it.each([0, 1, 2, 3, 4, 5].map((round) => SEED + round))(
    "take what the rule says, and every run comes through (MILLRACE_SEED=%i)",
    async (seed) => {
      await using ledger = await ledgerFile();
      const [store, random] = [await ledger.store(), seededRandom(seed)];
      const model = new Model();
      const below = (limit: number): number => Math.floor(random() * limit);
      const one = <T>(of: readonly T[]): T => of[below(of.length)] as T;
      const sets = [["a"], ["b"], ["a", "b"], []];
      const submit = async (): Promise<void> => {
        const later = (): Date | null => (random() < 0.2 ? new Date(ledger.clock.now() + below(60)) : null);
        const limits = { maxConcurrent: one([0, 1, 2, 3]), maxConcurrentPerKey: one([1, 1, 2]) };
        const run = newRun(
          `run-${model.runs.length}`,
          {
            ...{ jobName: one(["x", "y", "z"]), concurrencyKey: one([null, "k1", "k2"]), connections: one(sets) },
            ...{ priority: below(3), runAt: later(), startDeadline: random() < 0.1 ? later() : null },
          },
          limits,
        );
        model.add(run);
        await create(store, run);
      };
      const take = async (connections: readonly string[]): Promise<void> => {
        const limit = 1 + below(4);
        const expected = model.claim(limit, connections, ledger.clock.now());
        const claimed = await store.claimRuns({ owner: "w", limit, leaseMs: 1e9, connections });
        expect(claimed.map(({ id }) => id)).toEqual(expected);
      };
      const leave = async (): Promise<void> => {
        const entry = one(model.runs.filter(({ status }) => status === "running"));
        if (!entry) return;
        const { lease } = (await store.getRun(entry.run.id)) ?? {};
        const again = random() < 0.3;
        const delayMs = again ? one([0, 30]) : 0;
        const to = again ? "pending" : one(["failed", "cancelled"] as const);
        const change = { from: "running", to, epoch: lease?.epoch ?? 0, ...(again && { delayMs }) } as const;
        expect((await store.transition(entry.run.id, change, [])).moved).toBe(true);
        Object.assign(entry, { status: to, ...(again && { runAt: ledger.clock.now() + delayMs }) });
      };
      const cancel = async (): Promise<void> => {
        const entry = one(model.runs.filter(({ status }) => status === "pending"));
        if (!entry) return;
        expect(await store.requestCancel(entry.run.id, null)).toBe("cancelled");
        entry.status = "cancelled";
      };
      const acts = [submit, submit, submit, () => take(one(sets)), () => take(["a", "b"]), leave, leave, cancel];
      for (let step = 0; step < 600; step += 1) {
        await one(acts)();
        if (random() < 0.3) await ledger.clock.advance(below(20));
      }
      // No more of them: all come through, those parked before any gate too.
      await ledger.clock.advance(1_000);
      for (let turn = 0; model.runs.some(({ status }) => status === "pending" || status === "running"); turn += 1) {
        await take(["a", "b"]);
        await leave();
        await ledger.clock.advance(10);
        expect(turn).toBeLessThan(10_000);
      }
      const { runs } = await store.listRuns({ limit: 1_000 });
      expect(runs.every(({ status }) => isTerminal(status))).toBe(true);
    },
    60_000,
  );
});
