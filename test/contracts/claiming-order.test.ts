import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { NewRun } from "../../src/model/run.js";
import { newRun } from "../adapters/sqlite/store-fixture.js";
import { JOB_STORES, SEED, trialsOf, type OpenStore } from "../support/job-stores.js";

/** A run as the rule sees it, in words of its own. */
interface Modelled {
  readonly id: string;
  readonly priority: number;
  readonly deadline: number;
  readonly needs: readonly string[];
  /** Its gates, and how many may be behind each with it. */
  readonly limits: readonly (readonly [gate: string, limit: number])[];
  state: "pending" | "active" | "ended";
  notBefore: number;
  epoch: number;
}

type Submission = Readonly<
  Record<"job" | "perJob" | "key" | "perKey" | "priority" | "delay" | "deadline", number> & { needs: string[] }
>;

type Act =
  | { readonly do: "submit"; readonly runs: readonly Submission[] }
  | { readonly do: "claim"; readonly limit: number; readonly has: string[] | undefined }
  | {
      readonly do: "leave";
      readonly which: number;
      readonly to: "succeeded" | "failed" | "pending";
      readonly delay: number;
    }
  | { readonly do: "cancel"; readonly which: number }
  | { readonly do: "failOverdue"; readonly limit: number }
  | { readonly do: "advance"; readonly by: number };

const below = (limit: number): fc.Arbitrary<number> => fc.nat({ max: limit - 1 });
const connections = fc.subarray(["app", "crm", "lake"]);
const submission: fc.Arbitrary<Submission> = fc.record({
  job: below(2),
  perJob: below(3),
  key: below(4),
  perKey: fc.integer({ min: 1, max: 3 }),
  priority: below(3),
  delay: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, below(30)),
  deadline: fc.oneof({ weight: 4, arbitrary: fc.constant(Infinity) }, below(60)),
  needs: fc.oneof({ weight: 3, arbitrary: fc.constant<string[]>([]) }, connections),
});
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("submit"), runs: fc.array(submission, { minLength: 1, maxLength: 6 }) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("claim"),
      limit: below(5),
      has: fc.option(connections, { nil: undefined }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("leave"),
      which: fc.nat(),
      to: fc.constantFrom("succeeded", "failed", "pending"),
      delay: fc.constantFrom(0, 0, 15),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("cancel"), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("failOverdue"), limit: below(3) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("advance"), by: below(20) }) },
);

/** The rule, by looking at every run each time; beside it the store does the same. */
class Trial {
  readonly runs: Modelled[] = [];
  readonly seen = new Set<string>();

  constructor(private readonly on: OpenStore) {}

  async do(act: Act): Promise<void> {
    const { store, clock } = this.on;
    const now = clock.now();
    switch (act.do) {
      case "submit": {
        const given = act.runs.map((run) => this.#add(run, now));
        await store.createRuns(given);
        return;
      }
      case "claim": {
        const { limit, has } = act;
        const expected = this.#claim(limit, has, now);
        const claim = { owner: "w", limit, leaseMs: 1e9, ...(has && { connections: has }) };
        const claimed = await store.claimRuns(claim);
        expect(claimed.map(({ id, status }) => [id, status])).toEqual(
          expected.map(({ id, state }) => [id, state === "active" ? "running" : "failed"]),
        );
        return;
      }
      case "leave": {
        const active = this.runs.filter(({ state }) => state === "active");
        const run = active[act.which % active.length];
        if (!run) return;
        await this.#leave(run, act.to, act.delay, now);
        return;
      }
      case "cancel": {
        const pending = this.runs.filter(({ state }) => state === "pending");
        const run = pending[act.which % pending.length];
        if (!run) return;
        run.state = "ended";
        expect(await store.requestCancel(run.id, null)).toBe("cancelled");
        return;
      }
      case "failOverdue": {
        const expected = this.#failOverdue(act.limit, now);
        expect((await store.failOverdue(act.limit)).map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
        return;
      }
      case "advance":
        await clock.advance(act.by);
    }
  }

  /** With everybody leaving in turn, whatever has no deadline must come through. */
  async drain(): Promise<void> {
    await this.on.clock.advance(100);
    await this.do({ do: "failOverdue", limit: 1_000 });
    for (;;) {
      await this.do({ do: "claim", limit: 3, has: undefined });
      const active = this.runs.filter(({ state }) => state === "active");
      if (active.length === 0) break;
      for (const run of active) await this.#leave(run, "failed", 0, this.on.clock.now());
    }
    expect(this.runs.filter(({ state }) => state !== "ended")).toEqual([]);
  }

  #add({ job, perJob, key, perKey, priority, delay, deadline, needs }: Submission, now: number): NewRun {
    const id = `run-${this.runs.length + 1}`;
    const jobName = `job-${job}`;
    const concurrencyKey = key === 0 ? null : `key-${key}`;
    const limits: (readonly [string, number])[] = [];
    if (perJob > 0) limits.push([`job ${job}`, perJob]);
    if (key > 0) limits.push([`key ${key}`, perKey]);
    this.runs.push({
      ...{ id, priority, deadline: now + deadline, needs, limits },
      ...{ state: "pending", notBefore: now + delay, epoch: 0 },
    });
    return newRun(
      id,
      {
        ...{ jobName, priority, concurrencyKey, connections: needs },
        runAt: delay === 0 ? null : new Date(now + delay),
        startDeadline: deadline === Infinity ? null : new Date(now + deadline),
      },
      { maxConcurrent: perJob, maxConcurrentPerKey: perKey },
    );
  }

  #claim(limit: number, has: readonly string[] | undefined, now: number): readonly Modelled[] {
    const claimed = [...this.#failOverdue(limit, now)];
    const candidates = this.runs
      .filter(({ state, notBefore }) => state === "pending" && notBefore <= now)
      .filter(({ needs }) => has === undefined || needs.every((name) => has.includes(name)))
      .sort((left, right) => right.priority - left.priority || this.runs.indexOf(left) - this.runs.indexOf(right));
    for (const run of candidates) {
      if (claimed.length >= limit) break;
      if (!run.limits.every(([gate, most]) => this.#behind(gate) < most)) {
        this.seen.add("stopped by a gate");
        continue;
      }
      run.state = "active";
      run.epoch += 1;
      claimed.push(run);
    }
    return claimed;
  }

  #failOverdue(limit: number, now: number): readonly Modelled[] {
    const overdue = this.runs
      .filter(({ state, deadline, epoch }) => state === "pending" && epoch === 0 && deadline < now)
      .sort((left, right) => left.deadline - right.deadline)
      .slice(0, limit);
    for (const run of overdue) run.state = "ended";
    return overdue;
  }

  async #leave(run: Modelled, to: "succeeded" | "failed" | "pending", delayMs: number, now: number): Promise<void> {
    const { store } = this.on;
    run.state = to === "pending" ? "pending" : "ended";
    if (delayMs > 0) run.notBefore = now + delayMs;
    let from: "running" | "committing" = "running";
    if (to === "succeeded") {
      expect(await store.transition(run.id, { from, to: "committing", epoch: run.epoch }, [])).toMatchObject({
        moved: true,
      });
      from = "committing";
    }
    const change = { from, to, epoch: run.epoch, ...(delayMs > 0 && { delayMs }) };
    expect(await store.transition(run.id, change, [])).toMatchObject({ moved: true });
  }

  #behind(gate: string): number {
    return this.runs.filter(({ state, limits }) => state === "active" && limits.some(([name]) => name === gate)).length;
  }
}

describe.each(Object.entries(JOB_STORES))("%s", (name, make) => {
  it(`claims as the rule says, and everything comes through (MILLRACE_SEED=${SEED})`, async () => {
    const seen = new Set<string>();
    const property = fc.asyncProperty(fc.array(act, { maxLength: 120, size: "max" }), async (acts) => {
      await using on = await make();
      const trial = new Trial(on);
      for (const next of acts) await trial.do(next);
      await trial.drain();
      for (const what of trial.seen) seen.add(what);
    });
    await fc.assert(property, { seed: SEED, numRuns: trialsOf(name, 150), endOnFailure: false });
    expect([...seen]).toEqual(["stopped by a gate"]);
  }, 120_000);
});
