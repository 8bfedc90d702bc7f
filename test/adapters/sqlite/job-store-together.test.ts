import Sqlite from "better-sqlite3";
import * as kysely from "kysely";
import { describe, expect, it } from "vitest";
import { MemoryJobStore } from "../../../src/adapters/memory/memory-job-store.js";
import { ledgerTables } from "../../../src/adapters/sql/ledger-schema.js";
import { LedgerConnection } from "../../../src/adapters/sqlite/ledger/ledger-connection.js";
import { ledgerStatements } from "../../../src/adapters/sqlite/ledger/ledger-statements.js";
import { Ledger } from "../../../src/adapters/sqlite/ledger/ledger.js";
import { migrate } from "../../../src/adapters/sqlite/ledger/migrate.js";
import { sqliteMigrations } from "../../../src/adapters/sqlite/ledger/sqlite-migrations.js";
import { WalSync } from "../../../src/adapters/sqlite/ledger/wal-sync.js";
import { applyCancel } from "../../../src/model/apply-cancel.js";
import { applyRenewal } from "../../../src/model/apply-lease.js";
import { isJobError } from "../../../src/model/job-error.js";
import type { RunStatus } from "../../../src/model/run-status.js";
import { StoreOpeners } from "../../../src/model/store-openers.js";
import type { JobStore } from "../../../src/ports/job-store.js";
import { ManualClock } from "../../../src/testing/manual-clock.js";
import { seededRandom } from "../../crash/seeded-random.js";
import { ledgerFile, newRun } from "./store-fixture.js";

const SEED = Number(process.env["MILLRACE_SEED"] ?? Date.now() % 1_000_000);
const STEPS = 2_500;
const STORES = 3;
const LEASE_MS = 500;

type Act = (store: JobStore) => Promise<unknown>;

describe("several stores on one file", () => {
  it(`answer together as one store would (MILLRACE_SEED=${SEED})`, async () => {
    await using ledger = await ledgerFile();
    const model = new MemoryJobStore();
    await model.open({ clock: ledger.clock });
    const stores = await Promise.all(Array.from({ length: STORES }, () => ledger.store()));
    const random = seededRandom(SEED);
    const below = (limit: number): number => Math.floor(random() * limit);
    const one = <const T>(of: readonly T[]): T => of[below(of.length)] as T;
    let made = 0;
    // Runs of one remainder at a time: acts on runs of different ones may change places.
    const act = (lane: number): Act => {
      const id = `run-${Math.max(0, made - below(12)) * STORES + lane}`;
      const epoch = one([1, 1, 1, 2, 2, 3]);
      const from = one<RunStatus>(["running", "running", "committing"]);
      const to = one<RunStatus>(["committing", "committing", "succeeded", "failed", "pending", "cancelled"]);
      // Some steps have no event: no number of theirs would betray that they were computed from something old.
      const events = random() < 0.5 ? [] : [{ type: "run.progress", rows: below(9), bytes: null } as const];
      const reason = one([null, "enough"]);
      return one<Act>([
        (store) => store.transition(id, { from, to, epoch, unlessCancelRequested: true }, events),
        (store) => store.renewLease(id, { epoch, leaseMs: LEASE_MS }),
        (store) => store.renewLease(id, { epoch, leaseMs: LEASE_MS }),
        (store) => store.appendEvents(id, epoch, events),
        (store) => store.requestCancel(id, reason),
        // Refused when it is there already: it takes back what goes with it.
        (store) => store.createRuns([newRun(id)]),
      ]);
    };
    const claim = { owner: "w", limit: 4, leaseMs: LEASE_MS };
    const alone = (): Act => {
      const id = `run-${below((made + 1) * STORES)}`;
      const runs = Array.from({ length: STORES }, (_, lane) => newRun(`run-${made * STORES + lane}`));
      return one<Act>([
        (store) => store.createRuns(runs),
        (store) => store.claimRuns(claim),
        (store) => store.claimRuns(claim),
        (store) => store.claimExpired(claim),
        // It may pass writes that are asked for with it.
        (store) => store.getRun(id),
      ]);
    };
    const seen = new Set<string>();
    for (let step = 0; step < STEPS; step += 1) {
      if (random() < 0.3) {
        const both = alone();
        if (random() < 0.25) made += 1;
        const expected = await answersOf([[model, both]]);
        expect(await answersOf([[one(stores), both]]), `step ${step}`).toEqual(expected);
      } else {
        const lanes = stores.flatMap((store, lane) =>
          Array.from({ length: below(3) }, () => [store, act(lane)] as const),
        );
        const expected = await answersOf(lanes.map(([, lane]) => [model, lane]));
        expect(await answersOf(lanes), `step ${step}`).toEqual(expected);
        for (const answer of expected) seen.add(JSON.stringify(answer, ["moved", "reason", "held", "code"]));
      }
      await ledger.clock.advance(one([0, 0, 20, 100]));
    }
    expect([...seen]).toEqual(
      expect.arrayContaining([
        ...['{"moved":true}', '{"moved":false,"reason":"lease_lost"}', '{"moved":false,"reason":"cancel_requested"}'],
        ...['{"held":true}', '{"held":false}', '"requested"', '{"code":"internal_error"}'],
      ]),
    );
    const contents = async (store: JobStore): Promise<unknown> => {
      const { runs } = await store.listRuns({ limit: 1_000 });
      return Promise.all(runs.map(async (run) => [run, await store.readEvents(run.id, { after: 0, limit: 1_000 })]));
    };
    const expected = await contents(model);
    for (const store of stores) expect(await contents(store)).toEqual(expected);
  }, 60_000);
});

async function answersOf(asked: readonly (readonly [store: JobStore, act: Act])[]): Promise<readonly unknown[]> {
  const answers = await Promise.allSettled(asked.map(([store, act]) => act(store)));
  return answers.map((answer) => {
    if (answer.status === "fulfilled") return answer.value;
    if (!isJobError(answer.reason)) throw answer.reason;
    return { code: answer.reason.code, message: answer.reason.message };
  });
}

describe("a ledger that remembers a run as it is no more", () => {
  const tablePrefix = "millrace_";
  const tables = ledgerTables(tablePrefix);
  const migrations = sqliteMigrations(tablePrefix, tables);
  const plan = { tablePrefix, tables, migrations, migrate: "run", besideOtherTables: false } as const;
  const at = new ManualClock();

  function ledgerOn(database: Sqlite.Database): Ledger {
    const connection = new LedgerConnection(database, false, at);
    const statements = ledgerStatements(database, tablePrefix, kysely);
    const wal = new WalSync(undefined);
    const parts = {
      name: "memory",
      plan,
      connection,
      statements,
      kysely,
      wal,
      file: undefined,
      checkpoints: undefined,
    };
    return new Ledger(parts, { clock: at }, new StoreOpeners());
  }

  const renew = (ledger: Ledger, id: string) =>
    ledger.write(
      (now) => {
        const run = ledger.runs.toWrite(id);
        if (!run) return undefined;
        const { state, step } = applyRenewal(run.record, { epoch: 1, leaseMs: 1_000 }, now);
        if (step) ledger.claims.write(run, step, now);
        return state;
      },
      () => false,
    );
  const cancel = (ledger: Ledger, id: string) =>
    ledger.write(
      (now) => {
        const run = ledger.runs.toWrite(id);
        const { outcome, step } = run
          ? applyCancel(run.record, null, now)
          : { outcome: "unknown_run", step: undefined };
        if (run && step) ledger.claims.write(run, step, now);
        return outcome;
      },
      () => false,
    );

  it.each([["alone", []] as const, ["with others", ["b", "c"]] as const])(
    "never writes that over what is stored: an act %s is carried out again from there",
    async (_how, others) => {
      const database = new Sqlite(":memory:");
      migrate(database, plan, 0);
      // Two that share a connection: nothing tells one what the other wrote.
      const [owner, other] = [ledgerOn(database), ledgerOn(database)];
      await owner.createRuns(["a", ...others].map((id) => newRun(id)));
      await owner.write(
        (now) => owner.claims.takePending({ owner: "w", limit: 9, leaseMs: 1_000 }, now),
        () => false,
      );
      expect(await cancel(other, "a")).toBe("requested");

      const renewed = await Promise.all(["a", ...others].map((id) => renew(owner, id)));
      expect(renewed.map((state) => state?.held && state.cancelRequested)).toEqual([true, ...others.map(() => false)]);
      expect(await owner.getRun("a")).toMatchObject({ lastEventSeq: 3, cancelRequest: { reason: null } });
    },
  );
});
