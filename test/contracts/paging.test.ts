import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RUN_STATUSES, type RunStatus } from "../../src/model/run-status.js";
import type { JobRun, RunPage, RunQuery } from "../../src/model/run.js";
import type { JobStore } from "../../src/ports/job-store.js";
import { newRun } from "../adapters/sqlite/store-fixture.js";
import { JOB_STORES, SEED, trialsOf } from "../support/job-stores.js";

const JOBS = ["a", "b", "c"];

/** A run: of which job, and how far it comes. */
interface Life {
  readonly jobName: string;
  readonly status: RunStatus;
}

const life: fc.Arbitrary<Life> = fc.record({
  jobName: fc.constantFrom(...JOBS),
  status: fc.constantFrom(...RUN_STATUSES),
});

const query = fc.record(
  {
    jobName: fc.constantFrom(...JOBS, "nobody"),
    status: fc.oneof(fc.constantFrom(...RUN_STATUSES), fc.subarray([...RUN_STATUSES])),
    limit: fc.constantFrom(1, 2, 3, 7, 50),
  },
  { requiredKeys: ["limit"] },
);

const MANY_LIVES: Life[] = Array.from({ length: 12 }, () => ({ jobName: "a", status: "pending" }));

/** Brings runs into a ledger, and some of them on. */
class Ledger {
  readonly made: string[] = [];

  constructor(private readonly store: JobStore) {}

  async add({ jobName, status }: Life): Promise<void> {
    const id = `run-${this.made.length}`;
    // Above all others, so that the claim takes this one.
    await this.store.createRuns([newRun(id, { jobName, priority: this.made.length })]);
    this.made.push(id);
    if (status === "pending") return;
    if (status === "cancelled") return void (await this.store.requestCancel(id, null));
    await this.store.claimRuns({ owner: "w", limit: 1, leaseMs: 1e9 });
    if (status === "running") return;
    if (status === "failed") return this.#move(id, "running", "failed");
    await this.#move(id, "running", "committing");
    if (status === "succeeded") await this.#move(id, "committing", "succeeded");
  }

  /** Ends a run that has not ended. */
  async end(number: number): Promise<void> {
    const run = await this.store.getRun(this.made[number % this.made.length] ?? "");
    if (run?.status === "pending") await this.store.requestCancel(run.id, null);
    if (run?.status === "running" || run?.status === "committing") await this.#move(run.id, run.status, "failed");
  }

  async #move(id: string, from: RunStatus, to: RunStatus): Promise<void> {
    expect(await this.store.transition(id, { from, to, epoch: 1 }, [])).toMatchObject({ moved: true });
  }
}

function matches({ jobName, status }: RunQuery, run: JobRun): boolean {
  const statuses = typeof status === "string" ? [status] : status;
  return (jobName ?? run.jobName) === run.jobName && (statuses?.includes(run.status) ?? true);
}

async function every(store: JobStore, ids: readonly string[]): Promise<readonly JobRun[]> {
  return (await Promise.all(ids.map((id) => store.getRun(id)))).flatMap((run) => run ?? []);
}

describe.each(Object.entries(JOB_STORES))("%s", (name, make) => {
  it(`pages through what a query finds, while runs are added and move on (MILLRACE_SEED=${SEED})`, async () => {
    let pages = 0;
    const meanwhile = fc.array(fc.record({ add: fc.array(life, { maxLength: 3 }), end: fc.option(fc.nat()) }));
    const lives = fc.array(life, { minLength: 10, maxLength: 60, size: "max" });
    const property = fc.asyncProperty(lives, query, meanwhile, async (given, asked, steps) => {
      await using on = await make();
      const ledger = new Ledger(on.store);
      for (const one of given) await ledger.add(one);
      const there = (await every(on.store, ledger.made)).filter((run) => matches(asked, run));
      const seen: string[] = [];
      for (let cursor: string | undefined, number = 0; ; number += 1) {
        const page: RunPage = await on.store.listRuns({ ...asked, ...(cursor !== undefined && { cursor }) });
        pages += 1;
        expect(number, "pages without an end").toBeLessThan(given.length + 2);
        expect(page.runs.length).toBeLessThanOrEqual(asked.limit);
        for (const run of page.runs) expect(matches(asked, run)).toBe(true);
        seen.push(...page.runs.map(({ id }) => id));
        cursor = page.nextCursor;
        if (cursor === undefined) break;
        for (const one of steps[number]?.add ?? []) await ledger.add(one);
        const end = steps[number]?.end ?? null;
        if (end !== null) await ledger.end(end);
      }
      // No run twice, newest first, and none missed that the query found all the time.
      const places = seen.map((id) => ledger.made.indexOf(id));
      expect(places).toEqual([...new Set(places)].sort((left, right) => right - left));
      const still = (
        await every(
          on.store,
          there.map(({ id }) => id),
        )
      ).filter((run) => matches(asked, run));
      expect(seen).toEqual(expect.arrayContaining(still.map(({ id }) => id)));
      // And none that came later.
      expect(places.every((place) => place < given.length)).toBe(true);
    });
    const numRuns = trialsOf(name, 100);
    // One example of many pages, so that a small sample pages too.
    await fc.assert(property, { seed: SEED, numRuns, examples: [[MANY_LIVES, { limit: 1 }, []]] });
    expect(pages).toBeGreaterThanOrEqual(numRuns - 1 + MANY_LIVES.length);
  }, 120_000);
});
