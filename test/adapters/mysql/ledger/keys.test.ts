import { afterAll, beforeAll, expect, it } from "vitest";
import { describeMysql } from "../../../support/describe-mysql.js";
import { startMariadb, type MariadbServer } from "../../../support/mariadb-server.js";
import { claim, newRun, openLedger } from "./ledger-harness.js";

/** The collations of most databases take these for the same, or some of them. */
const ALIKE = ["order", "Order", "ORDER", "order ", "order\u0000", "örder", "o\u0308rder", "order\u200b"];

describeMysql("texts that are looked up in a ledger in MySQL", () => {
  let server: MariadbServer;
  beforeAll(async () => {
    server = await startMariadb({ fsync: false });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it("are different when any byte is", async () => {
    await using ledger = await openLedger({ url: await server.createDatabase() });
    const { store } = ledger;
    for (const text of ALIKE) {
      const run = newRun({ id: text, idempotencyKey: text, jobName: text, connections: [text] });
      expect(await store.createRuns([run])).toMatchObject([{ run: { id: text }, created: true }]);
    }
    for (const text of ALIKE) {
      expect((await store.getRun(text))?.id).toBe(text);
      expect((await store.listRuns({ jobName: text })).runs.map(({ id }) => id)).toEqual([text]);
      expect(await store.createRuns([newRun({ idempotencyKey: text })])).toMatchObject([
        { run: { id: text }, created: false },
      ]);
      expect(await store.readEvents(text, { after: 0, limit: 9 })).toHaveLength(1);
    }
    const request = { owner: "worker", limit: 9, leaseMs: 30_000 };
    for (const text of ALIKE) {
      expect((await store.claimRuns({ ...request, connections: [text] })).map(({ id }) => id)).toEqual([text]);
    }
  });

  it("may be longer than an index holds", async () => {
    await using ledger = await openLedger({ url: await server.createDatabase() });
    const { store } = ledger;
    const long = (end: string): string => 'ключ\\"'.repeat(60) + end;
    for (const end of ["a", "b"]) {
      const connections = Array.from({ length: 40 }, (_, index) => `connection-${long(end)}-${index}`);
      const gated = {
        concurrencyKey: long(end),
        idempotencyKey: long(end),
        connections,
        jobName: `${"job".repeat(60)}${end}`,
      };
      const first = newRun(gated, { maxConcurrent: 1, maxConcurrentPerKey: 1 });
      const second = newRun({ ...gated, idempotencyKey: null }, { maxConcurrent: 1, maxConcurrentPerKey: 1 });
      await store.createRuns([first, second]);
      expect(await store.createRuns([newRun({ idempotencyKey: long(end) })])).toMatchObject([{ created: false }]);
      const request = { owner: "worker", limit: 9, leaseMs: 30_000, connections };
      const [running, ...others] = await store.claimRuns(request);
      expect([running?.id, others]).toEqual([first.id, []]);
      expect(await store.claimRuns(request)).toEqual([]);
      await store.transition(first.id, { from: "running", to: "failed", epoch: 1 }, []);
      expect((await store.claimRuns(request)).map(({ id }) => id)).toEqual([second.id]);
    }
  });

  it("have a longest length where an index holds them, which is refused by name", async () => {
    await using ledger = await openLedger({ url: await server.createDatabase() });
    await expect(ledger.store.createRuns([newRun({ id: "x".repeat(701) })])).rejects.toMatchObject({
      code: "store_unavailable",
      message: expect.stringContaining("701 bytes") as string,
    });
    await ledger.store.createRuns([newRun({ id: "x".repeat(700) })]);
    expect(await claim(ledger.store, 1)).toHaveLength(1);
  });

  it("come from a pool of any character set as they are", async () => {
    const url = await server.createDatabase();
    const { default: mysql } = await import("mysql2");
    const pool = mysql.createPool({ uri: url, charset: "latin1" });
    const odd = "\u{1F6EB} żółć \uD800 \\ \u0000";
    const ledger = await openLedger({ pool });
    const run = newRun({ id: "żółć \u{1F6EB}", jobName: "żółć", idempotencyKey: odd, parameters: { odd } });
    await ledger.store.createRuns([run]);
    expect(await ledger.store.getRun(run.id)).toMatchObject({
      jobName: "żółć",
      idempotencyKey: odd,
      parameters: { odd },
    });
    await ledger.store.close();
    await pool.promise().end();
  });
});
