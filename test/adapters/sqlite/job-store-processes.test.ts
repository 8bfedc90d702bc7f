import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { isLastEvent } from "../../../src/model/run-event.js";
import { RUN_STATUSES, type RunStatus } from "../../../src/model/run-status.js";
import { systemClock } from "../../../src/adapters/system/system-clock.js";
import { seededRandom } from "../../crash/seeded-random.js";
import { claim, create, ledgerFile, newRun } from "./store-fixture.js";
import { storeProcess } from "./store-process.js";

const SEED = Number(process.env["MILLRACE_SEED"] ?? Date.now() % 1_000_000);
const KILLS = 6;
const CANCELS = 60;

describe("a ledger whose process is killed amid its writes", () => {
  it(`holds every act that was answered, whole, and none by half (MILLRACE_SEED=${SEED})`, async () => {
    await using ledger = await ledgerFile();
    const random = seededRandom(SEED);
    const answered = new Map<string, RunStatus>();
    for (let kill = 0; kill < KILLS; kill += 1) {
      const other = storeProcess(ledger.path, "work");
      await other.heard("opened");
      other.child.on("message", ({ id, status }: { id?: string; status: RunStatus }) => {
        if (id !== undefined) answered.set(id, status);
      });
      setTimeout(() => other.child.kill("SIGKILL"), random() * 250);
      await other.ended;

      expect(ledger.database().pragma("integrity_check", { simple: true })).toBe("ok");
      const store = await ledger.store({ clock: systemClock });
      for (const [id, status] of answered) {
        const run = await store.getRun(id);
        const events = await store.readEvents(id, { after: 0, limit: 100 });
        // It may have gone further than its answers came.
        expect(RUN_STATUSES.indexOf(run?.status ?? "pending"), id).toBeGreaterThanOrEqual(RUN_STATUSES.indexOf(status));
        expect(events.map(({ seq }) => seq)).toEqual(
          Array.from({ length: run?.lastEventSeq ?? 0 }, (_, index) => index + 1),
        );
        expect(events.map(({ type }) => type)).toEqual(
          ["run.pending", "run.running", "run.committing", "run.succeeded"].slice(0, events.length),
        );
        expect(events.at(-1)?.type).toBe(`run.${run?.status}`);
        expect(events.some(isLastEvent)).toBe(run?.status === "succeeded");
      }
      // What the dead left under way is free at once, and its own.
      const taken = await store.claimExpired({ owner: "heir", limit: 100, leaseMs: 60_000 });
      for (const { id, status, lease } of taken) {
        expect(lease).toMatchObject({ owner: "heir", epoch: 2 });
        const { moved } = await store.transition(id, { from: status, to: "failed", epoch: 2 }, []);
        expect(moved).toBe(true);
        answered.delete(id);
      }
      for (const { id } of (await store.listRuns({ status: "pending", limit: 1_000 })).runs) {
        await store.requestCancel(id, null);
        answered.delete(id);
      }
      await store.close();
    }
    expect(answered.size).toBeGreaterThan(KILLS);
  }, 60_000);
});

describe("processes that share a ledger", () => {
  it("claim each run once", async () => {
    await using ledger = await ledgerFile();
    const store = await ledger.store({ clock: systemClock });
    await using one = storeProcess(ledger.path, "claim");
    await using two = storeProcess(ledger.path, "claim");
    await Promise.all([one.heard("opened"), two.heard("opened")]);
    // On a busy machine one process may be through before the other begins: until both had a share.
    for (let shares: readonly string[][] = [[]]; shares.some((share) => share.length === 0);) {
      const runs = await Promise.all(Array.from({ length: 300 }, () => create(store, newRun(randomUUID()))));
      shares = await Promise.all(
        [one, two].map(async ({ child }) => {
          const answer = once(child, "message") as Promise<[{ claimed: string[] }]>;
          child.send("go");
          return (await answer)[0].claimed;
        }),
      );
      expect(shares.flat().sort()).toEqual(runs.map(({ run }) => run.id).sort());
    }
  }, 60_000);

  it("keep to the gates of runs, each of which comes through once", async () => {
    await using ledger = await ledgerFile();
    const store = await ledger.store({ clock: systemClock });
    // Whoever lets one run too many through is stopped by this, and says so.
    ledger.database().exec(`create trigger gates after update of status on millrace_runs
      when (select count(*) from millrace_runs where job_gate = new.job_gate and lease_owner is not null) > 3
        or (select count(*) from millrace_runs where key_gate = new.key_gate and lease_owner is not null) > 1
      begin select raise(abort, 'a gate let too many through'); end`);
    await using one = storeProcess(ledger.path, "gates");
    await using two = storeProcess(ledger.path, "gates");
    await Promise.all([one.heard("opened"), two.heard("opened")]);
    const ids = Array.from({ length: 400 }, () => randomUUID());
    await store.createRuns(
      ids.map((id, n) => newRun(id, { concurrencyKey: n % 5 < 3 ? `key-${n % 5}` : null }, { maxConcurrent: 3 })),
    );
    const shares = await Promise.all(
      [one, two].map(async (other) => {
        other.child.send("go");
        return (await other.heard("carriedOut"))["carriedOut"] as string[];
      }),
    );
    expect(shares.flat().sort()).toEqual(ids.sort());
    expect([...one.said, ...two.said].filter((message) => "failed" in message)).toEqual([]);
  }, 60_000);

  it(`never write over what another wrote meanwhile (MILLRACE_SEED=${SEED})`, async () => {
    await using ledger = await ledgerFile();
    const random = seededRandom(SEED);
    const store = await ledger.store({ clock: systemClock });
    await using one = storeProcess(ledger.path, "keep");
    await using two = storeProcess(ledger.path, "keep");
    await Promise.all([one.heard("opened"), two.heard("opened")]);
    const ids = Array.from({ length: CANCELS }, () => randomUUID());
    const cancelled = async (id: string): Promise<string[]> => {
      await store.createRuns([newRun(id)]);
      await underWay(id);
      expect(await store.requestCancel(id, "enough")).toBe("requested");
      while ((await store.getRun(id))?.status !== "cancelled") {
        expect([...one.said, ...two.said].filter((message) => "failed" in message)).toEqual([]);
        await pause(1 + 5 * random());
      }
      const { lastEventSeq } = (await store.getRun(id)) ?? {};
      const events = await store.readEvents(id, { after: 0, limit: 10_000 });
      expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: lastEventSeq ?? 0 }, (_, index) => index + 1));
      return events.map(({ type }) => type).filter((type) => type !== "run.progress");
    };
    const underWay = async (id: string): Promise<void> => {
      while ((await store.getRun(id))?.status === "pending") await pause(1);
    };
    const lanes = Array.from({ length: 6 }, async (_, lane) => {
      for (const id of ids.filter((_id, index) => index % 6 === lane)) {
        expect(await cancelled(id)).toEqual(["run.pending", "run.running", "run.cancel_requested", "run.cancelled"]);
      }
    });
    await Promise.all(lanes);
  }, 60_000);

  it("wake each other", async () => {
    await using ledger = await ledgerFile();
    await using other = storeProcess(ledger.path, "submit");
    await other.heard("opened");
    let ring = (_change: unknown): void => undefined;
    const store = await ledger.store({ clock: systemClock, onChange: (change) => ring(change) });
    for (const id of ["a", "b"]) {
      const rung = new Promise((resolve) => (ring = resolve));
      other.child.send(id);
      expect(await rung).toEqual({ kind: "unknown" });
      expect((await claim(store)).map((run) => run.id)).toEqual([id]);
    }
  }, 30_000);

  it("open a new ledger at once without hurting each other", async () => {
    await using ledger = await ledgerFile();
    const processes = [1, 2, 3].map(() => storeProcess(ledger.path, "open"));
    const opened = await Promise.all(processes.map(async (other) => (await other.heard("opened"))["opened"]));
    expect(new Set(opened).size).toBe(3);
    await Promise.all(processes.map(({ kill }) => kill()));
    expect(ledger.database().prepare("select version from millrace_migrations").pluck().all()).toEqual([1, 2]);
  }, 30_000);
});
