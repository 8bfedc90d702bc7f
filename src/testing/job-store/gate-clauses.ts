import assert from "node:assert/strict";
import { gatesOf } from "../../model/concurrency-gate.js";
import type { JobRun, NewRun } from "../../model/run.js";
import { DEFINITION, ERROR, ids, LEASE_MS, type Clauses, type Trial } from "./trial.js";

interface Gates {
  readonly perJob?: number;
  readonly key?: string;
  readonly perKey?: number;
}

/** What a run with these limits is submitted with. */
export function gated({ perJob = 0, key, perKey = 1 }: Gates): Pick<NewRun, "definition" | "concurrencyKey"> {
  const execution = { ...DEFINITION.execution, maxConcurrent: perJob, maxConcurrentPerKey: perKey };
  return { definition: { ...DEFINITION, execution }, concurrencyKey: key ?? null };
}

/** Every act by which a run that is under way makes room. */
const LEAVING: Readonly<Record<string, (trial: Trial, run: JobRun) => Promise<unknown>>> = {
  success: async (trial, run) => trial.move(await trial.move(run, "committing"), "succeeded"),
  failure: (trial, run) => trial.move(run, "failed", { error: ERROR }),
  cancellation: (trial, run) => trial.move(run, "cancelled"),
  "hand back": (trial, run) => trial.move(run, "pending", { uncountAttempt: true }),
  "delayed retry": (trial, run) => trial.move(run, "pending", { delayMs: 1e9 }),
  "failed commit": async (trial, run) => trial.move(await trial.move(run, "committing"), "pending", { delayMs: 1e9 }),
};

export const gateClauses: Clauses = {
  "no more runs of a job are under way than its limit allows": async (trial) => {
    const limited = await trial.submitMany(4, gated({ perJob: 2 }));
    const other = await trial.submit({ jobName: "another", ...gated({ perJob: 2 }) });
    const claimed = await trial.claim();
    assert.deepEqual(ids(claimed), [...ids(limited.slice(0, 2)), other.id]);
    assert.deepEqual(await trial.claim(), []);
    // Until the very end.
    const [first] = claimed;
    assert(first);
    const committing = await trial.move(first, "committing");
    assert.deepEqual(await trial.claim(), []);
    await trial.move(committing, "succeeded");
    assert.deepEqual(ids(await trial.claim()), [limited[2]?.id]);
  },

  "runs with one key take turns, whichever job they are of": async (trial) => {
    await trial.submit({ id: "eu-1", jobName: "a", ...gated({ key: "eu" }) });
    await trial.submit({ id: "eu-2", jobName: "b", ...gated({ key: "eu" }) });
    await trial.submit({ id: "us-1", jobName: "a", ...gated({ key: "us" }) });
    await trial.submit({ id: "free", jobName: "a" });
    // A key is no job's name.
    await trial.submit({ id: "job", jobName: "eu", ...gated({ perJob: 1 }) });
    assert.deepEqual(ids(await trial.claim()), ["eu-1", "us-1", "free", "job"]);
    await trial.move(await trial.get("eu-1"), "failed");
    assert.deepEqual(ids(await trial.claim()), ["eu-2"]);
  },

  "a run that has two gates waits for both": async (trial) => {
    const submit = (id: string, key: string): Promise<JobRun> => trial.submit({ id, ...gated({ perJob: 2, key }) });
    for (const [id, key] of ["1a", "2a", "3b", "4c", "5c"].map((name) => [name, name.slice(1)] as const)) {
      await submit(id, key);
    }
    assert.deepEqual(ids(await trial.claim()), ["1a", "3b"]);
    await trial.move(await trial.get("3b"), "failed");
    assert.deepEqual(ids(await trial.claim()), ["4c"]);
    // 2a is stopped by its job now, and 5c by both.
    await trial.move(await trial.get("1a"), "failed");
    assert.deepEqual(ids(await trial.claim()), ["2a"]);
    await trial.move(await trial.get("2a"), "failed");
    assert.deepEqual(await trial.claim(), []);
    await trial.move(await trial.get("4c"), "failed");
    assert.deepEqual(ids(await trial.claim()), ["5c"]);
  },

  "where runs of one gate have different limits, each is held to its own": async (trial) => {
    const submit = (id: string, perKey: number, parts: Partial<NewRun> = {}): Promise<JobRun> =>
      trial.submit({ id, ...gated({ key: "k", perKey }), ...parts });
    await submit("first", 2);
    await submit("alone", 1, { priority: 9 });
    await trial.store.requestCancel("alone", null);
    await submit("second", 2);
    await submit("alone too", 1, { priority: -1 });
    await submit("third", 3, { priority: -1 });
    await submit("fourth", 2, { priority: -2 });
    assert.deepEqual(ids(await trial.claim()), ["first", "second", "third"]);
    await trial.move(await trial.get("first"), "failed");
    assert.deepEqual(await trial.claim(), []);
    await trial.move(await trial.get("second"), "failed");
    // One is left: no room for the one that wants to be alone, although it comes first.
    assert.deepEqual(ids(await trial.claim()), ["fourth"]);
    await trial.move(await trial.get("third"), "failed");
    assert.deepEqual(await trial.claim(), []);
    await trial.move(await trial.get("fourth"), "failed");
    assert.deepEqual(ids(await trial.claim()), ["alone too"]);
  },

  "whoever leaves a gate makes room, however it leaves": async (trial) => {
    for (const [how, leave] of Object.entries(LEAVING)) {
      const gates = gated({ perJob: 1, key: how });
      const first = await trial.submit({ jobName: how, ...gates });
      const [running] = await trial.claim();
      assert.equal(running?.id, first.id);
      const next = await trial.submit({ jobName: how, priority: 1, ...gates });
      assert.deepEqual(await trial.claim(), []);
      await leave(trial, running);
      assert.deepEqual(ids(await trial.claim()), [next.id], how);
      await trial.move(await trial.get(next.id), "failed");
      await trial.store.requestCancel(first.id, null);
      await trial.claim();
    }
  },

  "a run that was called for the room and ends before it starts leaves the room to the next": async (trial) => {
    const ends: readonly ((id: string) => Promise<unknown>)[] = [
      (id) => trial.store.requestCancel(id, null),
      async () => (await trial.clock.advance(101), trial.store.failOverdue(1)),
    ];
    for (const [round, end] of ends.entries()) {
      const gates = gated({ key: `k${round}` });
      const first = await trial.runAt("running", gates);
      const called = await trial.submit({ ...gates, startDeadline: trial.now(100) });
      const next = await trial.submit(gates);
      assert.deepEqual(await trial.claim(), []);
      await trial.move(first, "failed");
      await end(called.id);
      assert.deepEqual(ids(await trial.claim()), [next.id]);
    }
  },

  "a run that ends while a gate stops it takes nobody's turn": async (trial) => {
    const first = await trial.runAt("running", gated({ key: "k" }));
    const cancelled = await trial.submit({ ...gated({ key: "k" }), priority: 2 });
    const overdue = await trial.submit({ ...gated({ key: "k" }), priority: 1, startDeadline: trial.now(10) });
    const next = await trial.submit(gated({ key: "k" }));
    assert.deepEqual(await trial.claim(), []);
    assert.equal(await trial.store.requestCancel(cancelled.id, null), "cancelled");
    await trial.clock.advance(11);
    assert.deepEqual(ids(await trial.claim()), [overdue.id]);
    assert.deepEqual(await trial.claim(), []);
    await trial.move(first, "failed");
    assert.deepEqual(ids(await trial.claim()), [next.id]);
  },

  "a take-over keeps the place behind a gate": async (trial) => {
    await trial.runAt("running", gated({ perJob: 1 }));
    const next = await trial.submit(gated({ perJob: 1 }));
    await trial.clock.advance(LEASE_MS);
    assert.deepEqual(await trial.claim(), []);
    const [taken] = await trial.takeOver();
    assert(taken);
    assert.deepEqual(await trial.claim(), []);
    await trial.move(taken, "failed");
    assert.deepEqual(ids(await trial.claim()), [next.id]);
  },

  "a full gate does not hold up others, however many runs it stops": async (trial) => {
    const gates = { jobName: "stopped", priority: 9, ...gated({ perJob: 1 }) };
    await trial.runAt("running", gates);
    await trial.store.createRuns(Array.from({ length: 300 }, () => trial.newRun(gates)));
    const free = await trial.submitMany(3);
    assert.deepEqual(ids(await trial.claim({ limit: 2 })), ids(free.slice(0, 2)));
    await trial.store.createRuns(Array.from({ length: 300 }, () => trial.newRun(gates)));
    assert.deepEqual(ids(await trial.claim()), [free[2]?.id]);
  },

  "those that a gate stopped start by priority, and the oldest first within one": async (trial) => {
    const first = await trial.runAt("running", gated({ key: "k" }));
    for (const [id, priority] of Object.entries({ a: 0, b: 1, c: 0, d: 2 })) {
      await trial.submit({ id, priority, ...gated({ key: "k" }) });
    }
    assert.deepEqual(await trial.claim(), []);
    await trial.move(first, "failed");
    const order: string[] = [];
    for (let [next] = await trial.claim(); next; [next] = await trial.claim()) {
      order.push(next.id);
      // Whoever comes later may still be the first.
      if (next.id === "d") await trial.submit({ id: "urgent", priority: 3, ...gated({ key: "k" }) });
      await trial.move(next, "failed");
    }
    assert.deepEqual(order, ["d", "urgent", "b", "a", "c"]);
  },

  "a retry waits its time without holding its gate, and then stands in line again": async (trial) => {
    const first = await trial.runAt("running", gated({ key: "k" }));
    const next = await trial.submit(gated({ key: "k" }));
    await trial.move(first, "pending", { delayMs: 100 });
    assert.deepEqual(ids(await trial.claim()), [next.id]);
    await trial.clock.advance(100);
    assert.deepEqual(await trial.claim(), []);
    await trial.move(await trial.get(next.id), "failed");
    assert.deepEqual(ids(await trial.claim()), [first.id]);
  },

  "a run that no worker here can take holds no room at its gate": async (trial) => {
    const first = await trial.runAt("running", gated({ key: "k" }));
    const needy = await trial.submit({ ...gated({ key: "k" }), connections: ["crm"], priority: 9 });
    const modest = await trial.submit(gated({ key: "k" }));
    assert.deepEqual(await trial.claim(), []);
    await trial.move(first, "failed");
    const [running] = await trial.claim({ connections: ["lake"] });
    assert.equal(running?.id, modest.id);
    assert.deepEqual(await trial.claim(), []);
    await trial.move(running, "failed");
    assert.deepEqual(ids(await trial.claim()), [needy.id]);
  },

  "every run that a gate stopped comes through": async (trial) => {
    const left = new Set<string>();
    for (let number = 0; number < 60; number += 1) {
      const gates = gated({ perJob: number % 4, key: `k${number % 5}`, perKey: 1 + (number % 2) });
      const { id } = await trial.submit({ jobName: `job-${number % 3}`, priority: number % 7, ...gates });
      left.add(id);
    }
    const underWay: JobRun[] = [];
    for (let round = 0; left.size > 0; round += 1) {
      const claimed = await trial.claim({ limit: 1 + (round % 4) });
      underWay.push(...claimed);
      assert(underWay.length > 0, `Nothing starts, and these are left: ${[...left].join(", ")}`);
      assertWithinLimits(underWay);
      if (claimed.length > 0 && round % 3 !== 0) continue;
      const [run] = underWay.splice(round % underWay.length, 1);
      const [leave] = Object.values(LEAVING).slice(round % 4);
      if (!run || !leave) continue;
      await leave(trial, run);
      if (round % 4 !== 3) left.delete(run.id);
    }
    assert.deepEqual(await trial.claim(), []);
  },
};

/** Each run under way found room when it started: the largest limit of its gate bounds how many are behind. */
export function assertWithinLimits(underWay: readonly JobRun[]): void {
  const behind = new Map<string, { count: number; limit: number }>();
  for (const { name, limit } of underWay.flatMap(gatesOf)) {
    const gate = behind.get(name) ?? { count: 0, limit: 0 };
    behind.set(name, { count: gate.count + 1, limit: Math.max(gate.limit, limit) });
  }
  for (const [name, { count, limit }] of behind) assert(count <= limit, `${count} runs are behind ${name}`);
}
