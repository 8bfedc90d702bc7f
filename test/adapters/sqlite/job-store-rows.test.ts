import type { Database } from "better-sqlite3";
import { describe, expect, it } from "vitest";
import type { SqliteJobStore } from "../../../src/adapters/sqlite/sqlite-job-store.js";
import type { Logger } from "../../../src/ports/logger.js";
import { claim, create, ledgerFile, newRun, takeOver } from "./store-fixture.js";

// What somebody with a SQLite shell can do to run `b`.
const EDITS: Readonly<Record<string, { readonly sql: string; readonly reason: RegExp }>> = {
  "an unknown status": {
    sql: "update millrace_runs set status = 'paused' where id = 'b'",
    reason: /status is "paused"/,
  },
  "a definition that is not JSON": {
    sql: "update millrace_run_definitions set definition = '{' where run_seq = 2",
    reason: /definition is not JSON/,
  },
  "parameters that are not JSON": {
    sql: "update millrace_run_definitions set parameters = 'x' where run_seq = 2",
    reason: /parameters is not JSON/,
  },
  "no definition": { sql: "delete from millrace_run_definitions where run_seq = 2", reason: /definition is missing/ },
  "an error that is not JSON": {
    sql: "update millrace_runs set error = 'oops' where id = 'b'",
    reason: /error is not JSON/,
  },
};

function edit(database: Database, sql: string): void {
  database.pragma("ignore_check_constraints = on");
  expect(database.prepare(sql).run().changes).toBe(1);
}

function unreadable(reason: RegExp): object {
  return {
    code: "store_unavailable",
    runId: "b",
    retryable: false,
    message: expect.stringMatching(reason) as string,
    hint: expect.stringContaining("by hand") as string,
  };
}

function warnings(): { readonly logger: Logger; readonly told: unknown[] } {
  const told: unknown[] = [];
  const silent = (): void => undefined;
  const warn: Logger["warn"] = (_message, fields) => void told.push(fields);
  return { told, logger: { debug: silent, info: silent, warn, error: silent } };
}

async function withRuns(store: SqliteJobStore): Promise<void> {
  for (const id of ["a", "b", "c"]) await create(store, newRun(id));
}

it("an act that fails halfway leaves nothing, and takes nothing of those beside it", async () => {
  await using ledger = await ledgerFile();
  const store = await ledger.store();
  // Its row is written when its parameters turn out not to be JSON.
  const broken = newRun("broken", { parameters: { wrong: 1n as never } });
  await expect(create(store, broken)).rejects.toThrow(TypeError);
  const answers = await Promise.allSettled([newRun("a"), broken, newRun("b")].map((run) => create(store, run)));
  expect(answers.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(ledger.database().prepare("select id from millrace_runs").pluck().all()).toEqual(["a", "b"]);
  expect(await store.getRun("broken")).toBeUndefined();
});

it("an act is carried out on what is stored, also after it was taken back with one that failed beside it", async () => {
  await using ledger = await ledgerFile();
  const store = await ledger.store();
  await create(store, newRun("a"));
  await claim(store);
  const broken = newRun("broken", { parameters: { wrong: 1n as never } });
  const [moved, refused] = await Promise.allSettled([
    store.transition("a", { from: "running", to: "committing", epoch: 1 }, []),
    create(store, broken),
  ]);
  expect(moved).toMatchObject({ status: "fulfilled", value: { moved: true } });
  expect(refused.status).toBe("rejected");
});

it("a run that is pruned leaves no row in any table", async () => {
  await using ledger = await ledgerFile();
  const store = await ledger.store();
  await withRuns(store);
  for (const id of ["a", "b"]) await store.requestCancel(id, null);
  await ledger.clock.advance(1);
  expect(await store.pruneRuns({ olderThanMs: 0, limit: 9 })).toBe(2);
  const rows = (column: string, table: string): unknown =>
    ledger.database().prepare(`select distinct ${column} from millrace_${table}`).pluck().all();
  expect([rows("seq", "runs"), rows("run_seq", "run_definitions"), rows("run_seq", "run_events")]).toEqual([
    [3],
    [3],
    [3],
  ]);
});

describe("a run that somebody made unreadable", () => {
  it.each(Object.keys(EDITS))("by %s is named, and hides no other", async (what) => {
    const { sql, reason } = EDITS[what] ?? { sql: "", reason: /./ };
    await using ledger = await ledgerFile();
    const { logger, told } = warnings();
    const store = await ledger.store({ logger });
    await withRuns(store);
    edit(ledger.database(), sql);

    for (const call of [
      () => store.getRun("b"),
      () => store.requestCancel("b", null),
      () => store.renewLease("b", { epoch: 1, leaseMs: 1 }),
      () => store.appendEvents("b", 1, []),
      () => store.transition("b", { from: "pending", to: "failed", epoch: 0 }, []),
    ]) {
      await expect(call()).rejects.toMatchObject(unreadable(reason));
    }

    const page = await store.listRuns({});
    expect(page.runs.map(({ id }) => id)).toEqual(["c", "a"]);
    expect(page.unreadable).toEqual([{ id: "b", reason: expect.stringMatching(reason) as string }]);
    // It takes its place on a page, so that the next one does not begin behind it.
    const { nextCursor, ...second } = await store.listRuns({ limit: 2 });
    expect([second.runs.length, second.unreadable?.length, nextCursor !== undefined]).toEqual([1, 1, true]);

    expect((await claim(store, 1)).map(({ id }) => id)).toEqual(["a"]);
    expect((await claim(store)).map(({ id }) => id)).toEqual(["c"]);
    expect(await claim(store)).toEqual([]);
    expect(told).toHaveLength(1);
    expect(await store.readEvents("b", { after: 0, limit: 9 })).toHaveLength(1);
  });

  it("while it was running does not stop others from being taken over", async () => {
    await using ledger = await ledgerFile();
    const { logger, told } = warnings();
    const store = await ledger.store({ logger });
    await withRuns(store);
    await claim(store);
    edit(ledger.database(), "update millrace_run_definitions set definition = '{' where run_seq = 2");
    await ledger.clock.advance(60_000);
    expect((await takeOver(store, 1)).map(({ id }) => id)).toEqual(["a"]);
    expect((await takeOver(store)).map(({ id }) => id)).toEqual(["c"]);
    expect(told).toEqual([{ runId: "b", reason: expect.stringContaining("not JSON") as string }]);
  });

  it("in its log is named when the log is read", async () => {
    await using ledger = await ledgerFile();
    const store = await ledger.store();
    await withRuns(store);
    edit(ledger.database(), "update millrace_run_events set body = '{' where run_seq = 2");
    await expect(store.readEvents("b", { after: 0, limit: 9 })).rejects.toMatchObject(
      unreadable(/event 1 is not JSON/),
    );
    expect(await store.readEvents("a", { after: 0, limit: 9 })).toHaveLength(1);
  });

  it("is refused by the ledger's own checks, where these are on", async () => {
    await using ledger = await ledgerFile();
    await withRuns(await ledger.store());
    const database = ledger.database();
    for (const set of [
      "status = 'paused'",
      "status = 'running'",
      "status = 'failed'",
      "queue = null",
      "attempt = -1",
      "attempt = 'x'",
    ]) {
      expect(() => database.exec(`update millrace_runs set ${set} where id = 'b'`)).toThrow(/constraint|cannot store/);
    }
  });
});
