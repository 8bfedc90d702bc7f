import { afterAll, beforeAll, expect, it } from "vitest";
import { EXECUTION_DEFAULTS } from "../../../src/model/job-definition.js";
import { gatesOf } from "../../../src/model/concurrency-gate.js";
import type { JobRun, NewRun } from "../../../src/model/run.js";
import { describePostgres } from "../../support/describe-postgres.js";
import { startPostgres, type PostgresServer } from "../../support/postgres-server.js";
import { seededRandom } from "../../crash/seeded-random.js";
import { claim, newRun, openLedger, query, succeed, type OpenLedger } from "./ledger-harness.js";

describePostgres("stores that share a ledger in Postgres", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres({ fsync: false });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  async function withStores(
    count: number,
    work: (ledgers: readonly OpenLedger[], url: string) => Promise<void>,
  ): Promise<void> {
    const url = await server.createDatabase();
    const ledgers = await Promise.all(Array.from({ length: count }, () => openLedger({ url })));
    try {
      await work(ledgers, url);
    } finally {
      for (const { store } of ledgers) await store.close();
    }
  }

  it("never take the same run, and take all", () =>
    withStores(4, async (ledgers) => {
      const runs = Array.from({ length: 400 }, (_, index) => newRun({ connections: [index % 3 === 0 ? "a" : "b"] }));
      await ledgers[0]?.store.createRuns(runs);
      const taken: string[] = [];
      const take = async ({ store }: OpenLedger, index: number): Promise<void> => {
        for (;;) {
          const claimed = await claim(store, 7, `worker-${index}`);
          taken.push(...claimed.map(({ id }) => id));
          if (taken.length >= runs.length || claimed.length === 0) return;
        }
      };
      // A claim passes over what another one has in hand: whoever found nothing comes again.
      while (taken.length < runs.length) await Promise.all(ledgers.map(take));
      expect(new Set(taken)).toEqual(new Set(runs.map(({ id }) => id)));
      expect(taken).toHaveLength(runs.length);
    }));

  it("make one run of a key that all submit at once", () =>
    withStores(4, async (ledgers) => {
      for (let round = 0; round < 10; round += 1) {
        const answers = await Promise.all(
          ledgers.flatMap(({ store }) =>
            [1, 2].map(() => store.createRuns([newRun({ idempotencyKey: `key ${round}` }), newRun()])),
          ),
        );
        const keyed = answers.flatMap(([first]) => first ?? []);
        expect(keyed.filter(({ created }) => created)).toHaveLength(1);
        expect(new Set(keyed.map(({ run }) => run.id)).size).toBe(1);
        expect(answers.every(([, second]) => second?.created === true)).toBe(true);
      }
    }));

  it("take over an expired run once", () =>
    withStores(3, async (ledgers) => {
      const [first] = ledgers;
      await first?.store.createRuns(Array.from({ length: 60 }, () => newRun()));
      await first?.store.claimRuns({ owner: "gone", limit: 60, leaseMs: 0 });
      const taken: JobRun[] = [];
      while (taken.length < 60) {
        const heirs = ledgers.map(({ store }, index) =>
          store.claimExpired({ owner: `heir-${index}`, limit: 9, leaseMs: 60_000 }),
        );
        taken.push(...(await Promise.all(heirs)).flat());
      }
      expect(new Set(taken.map(({ id }) => id)).size).toBe(60);
      expect(taken.every(({ lease }) => lease?.epoch === 2)).toBe(true);
    }));

  it("an owner learns of what others did to its run, although it remembers it otherwise", () =>
    withStores(2, async ([mine, theirs]) => {
      if (!mine || !theirs) throw new Error("there are no stores");
      const committing = { type: "run.committing", commitId: "c", rowsStaged: 1 } as const;
      const permit = {
        from: "running",
        to: "committing",
        epoch: 1,
        commitId: "c",
        unlessCancelRequested: true,
      } as const;
      await mine.store.createRuns([newRun(), newRun(), newRun()]);
      const [taken, cancelled, untouched] = (await mine.store.claimRuns({ owner: "me", limit: 3, leaseMs: 1 })).map(
        ({ id }) => id,
      );
      await mine.store.renewLease(cancelled ?? "", { epoch: 1, leaseMs: 60_000 });
      await mine.store.renewLease(untouched ?? "", { epoch: 1, leaseMs: 60_000 });
      while ((await theirs.store.claimExpired({ owner: "heir", limit: 3, leaseMs: 60_000 })).length === 0);
      await theirs.store.requestCancel(cancelled ?? "", "enough");
      const answers = await Promise.all(
        [taken, cancelled, untouched].map((id) => mine.store.transition(id ?? "", permit, [committing])),
      );
      expect(answers.map((answer) => (answer.moved ? "moved" : answer.reason))).toEqual([
        "lease_lost",
        "cancel_requested",
        "moved",
      ]);
      expect(await mine.store.renewLease(taken ?? "", { epoch: 1, leaseMs: 1 })).toEqual({ held: false });
      expect(await mine.store.renewLease(cancelled ?? "", { epoch: 1, leaseMs: 1 })).toMatchObject({
        cancelRequested: true,
        cancelReason: "enough",
      });
      expect(await mine.store.appendEvents(taken ?? "", 1, [{ type: "run.progress", rows: 1, bytes: null }])).toBe(
        false,
      );
    }));

  it.each([1, 2, 3])("keep every gate and leave no run behind one, seed %i", { timeout: 60_000 }, (seed) =>
    withStores(3, async (ledgers, url) => {
      const random = seededRandom(seed);
      const pick = (count: number): number => Math.floor(random() * count);
      const make = (): NewRun => {
        const job = pick(3);
        const execution = { ...EXECUTION_DEFAULTS, maxConcurrent: job, maxConcurrentPerKey: 1 + pick(2) };
        return newRun(
          { jobName: `job-${job}`, concurrencyKey: pick(2) === 0 ? null : `key-${pick(3)}`, priority: pick(3) },
          execution,
        );
      };
      const runs = Array.from({ length: 240 }, make);
      const open = new Set(runs.map(({ id }) => id));
      const behind = new Map<string, number>();
      const shift = (run: JobRun, by: number): void => {
        for (const { name, limit } of gatesOf(run)) {
          const count = (behind.get(name) ?? 0) + by;
          behind.set(name, count);
          if (by > 0 && count > limit) throw new Error(`${count} runs are behind ${name}, whose limit is ${limit}`);
        }
      };
      const carryOut = async ({ store }: OpenLedger, run: JobRun): Promise<void> => {
        const epoch = run.lease?.epoch ?? 0;
        const luck = pick(4);
        // Counted out before the ledger is told: what it then lets in comes later.
        shift(run, -1);
        if (luck === 0) {
          const retrying = { type: "run.retrying", cause: "handed_back", error: null, nextAttemptAt: null } as const;
          await store.transition(run.id, { from: "running", to: "pending", epoch, uncountAttempt: true }, [retrying]);
          return;
        }
        if (luck === 1)
          await store.transition(run.id, { from: "running", to: "cancelled", epoch }, [
            { type: "run.cancelled", reason: null },
          ]);
        else await succeed(store, run);
        open.delete(run.id);
      };
      const worker = async (ledger: OpenLedger, index: number): Promise<void> => {
        while (open.size > 0) {
          const claimed = await claim(ledger.store, 1 + pick(5), `worker-${index}`);
          for (const run of claimed) shift(run, 1);
          await Promise.all(claimed.map((run) => carryOut(ledger, run)));
        }
      };
      const canceller = async ({ store }: OpenLedger): Promise<void> => {
        for (const { id } of runs) {
          if (pick(5) === 0 && (await store.requestCancel(id, null)) === "cancelled") open.delete(id);
        }
      };
      const [first, second] = ledgers;
      if (!first || !second) throw new Error("there are no stores");
      await first.store.createRuns(runs.slice(0, 120));
      const working = ledgers.flatMap((ledger, index) => [worker(ledger, index), worker(ledger, index + 10)]);
      await second.store.createRuns(runs.slice(120));
      await Promise.all([...working, canceller(second)]);
      expect(await query(url, "select id from millrace_runs where finished_at is null")).toEqual([]);
      expect([...behind.values()].every((count) => count === 0)).toBe(true);
    }),
  );
});
