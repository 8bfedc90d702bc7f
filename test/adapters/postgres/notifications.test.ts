import { afterAll, beforeAll, expect, it } from "vitest";
import { Announcement, changesIn } from "../../../src/adapters/sql/ledger/announcement.js";
import { newRunRecord } from "../../../src/model/run-record.js";
import { describePostgres } from "../../support/describe-postgres.js";
import { startPostgres, type PostgresServer } from "../../support/postgres-server.js";
import { claim, newRun, openLedger, query, succeed } from "./ledger-harness.js";

it("a payload stays below the server's limit, and one that says too much says so", () => {
  const announcement = new Announcement();
  announcement.addPending();
  for (const runId of ["a", "é".repeat(100)]) announcement.addStep(newRunRecord(newRun({ id: runId }), 0));
  expect(changesIn(announcement.payload())).toEqual([
    { kind: "pending" },
    { kind: "run", runId: "a" },
    { kind: "run", runId: "é".repeat(100) },
  ]);
  for (let count = 0; count < 40; count += 1)
    announcement.addStep(newRunRecord(newRun({ id: `${count}${"é".repeat(100)}` }), 0));
  expect(changesIn(announcement.payload())).toEqual([{ kind: "unknown" }]);
  for (const odd of ["", "{}", "not json", "null", '{"later":1}'])
    expect(changesIn(odd)).toEqual([{ kind: "unknown" }]);
});

describePostgres("what processes tell each other", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres({ fsync: false });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it("others hear of new runs, of each step and of a wish to cancel; nobody hears of their own", async () => {
    const url = await server.createDatabase();
    await using here = await openLedger({ url });
    await using there = await openLedger({ url });
    const [created] = await here.store.createRuns([newRun()]);
    const runId = created?.run.id ?? "";
    await there.heard(({ kind }) => kind === "pending");
    const [run] = await claim(there.store, 1);
    await here.heard((change) => change.kind === "run" && change.runId === runId);
    await here.store.requestCancel(runId, "enough");
    await there.heard((change) => change.kind === "cancel" && change.runId === runId);
    expect(await there.store.cancelRequests("worker")).toEqual([{ runId, epoch: 1, reason: "enough" }]);
    expect(await there.store.cancelRequests("another")).toEqual([]);
    if (run) await succeed(there.store, run);
    expect(here.changes.some(({ kind }) => kind === "pending")).toBe(false);
    expect(there.changes.filter(({ kind }) => kind === "cancel")).toHaveLength(1);
  });

  it("a listener that was cut off comes back, and says that it may have missed something", async () => {
    const url = await server.createDatabase();
    await using here = await openLedger({ url });
    await using there = await openLedger({ url });
    await query(
      url,
      "select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen %' or query = 'select pg_notify($1, $2)'",
    );
    await Promise.all([here, there].map(({ heard }) => heard(({ kind }) => kind === "unknown")));
    await here.store.createRuns([newRun()]);
    await there.heard(({ kind }) => kind === "pending");
  });

  it("a closed store leaves no connection open", async () => {
    const url = await server.createDatabase();
    const ledger = await openLedger({ url });
    await Promise.all([ledger.store.createRuns([newRun()]), claim(ledger.store, 1), ledger.store.listRuns({})]);
    await ledger.store.close();
    const others = "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
    // The server takes a moment to see that a connection was closed.
    while ((await query(url, others)).length > 0);
    await expect(ledger.store.getRun("x")).rejects.toMatchObject({ code: "store_unavailable" });
  });
});
