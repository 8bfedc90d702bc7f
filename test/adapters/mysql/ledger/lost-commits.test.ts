import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { NewRun } from "../../../../src/model/run.js";
import { ManualClock } from "../../../../src/testing/manual-clock.js";
import { RunLedger } from "../../../../src/runs/run-ledger.js";
import { storeRuns } from "../../../../src/runs/store-runs.js";
import { describeMysql } from "../../../support/describe-mysql.js";
import { startMariadb, type MariadbServer } from "../../../support/mariadb-server.js";
import { claim, newRun, openLedger, query } from "./ledger-harness.js";

/** What becomes of a COMMIT: it never comes to the server, or its answer never comes back. */
type Loss = "question" | "answer";

/** COM_QUERY with the text. */
const COMMIT = Buffer.from("\u0003commit");

/** Stands between a store and its server, and breaks the connection that sent a text at its COMMIT. */
async function lossyRelay(serverUrl: string, loss: Loss) {
  const target = new URL(serverUrl);
  let mark: string | undefined;
  const relay = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    let isMarked = false;
    let committing = false;
    near.on("data", (data) => {
      if (mark !== undefined && data.includes(mark)) isMarked = true;
      if (isMarked && data.includes(COMMIT)) {
        committing = true;
        mark = undefined;
      }
      if (committing && loss === "question") near.destroy();
      else far.write(data);
    });
    far.on("data", (data) => {
      if (committing) near.destroy();
      else near.write(data);
    });
    near.on("error", () => undefined).on("close", () => far.destroy());
    far.on("error", () => undefined).on("close", () => near.destroy());
  });
  relay.listen(0, "127.0.0.1");
  await once(relay, "listening");
  const { port } = relay.address() as AddressInfo;
  return {
    url: Object.assign(new URL(serverUrl), { hostname: "127.0.0.1", port: String(port) }).href,
    arm: (text: string) => (mark = text),
    isArmed: () => mark !== undefined,
    [Symbol.asyncDispose]: async () => {
      relay.close();
      await once(relay, "close");
    },
  };
}

describeMysql("an act whose commit is lost, or its answer", () => {
  let server: MariadbServer;
  beforeAll(async () => {
    server = await startMariadb({ fsync: false });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  async function lossy(loss: Loss) {
    const url = await server.createDatabase();
    // Tables and announcements are made without a loss, and nothing is asked beside what a test asks for.
    await (await openLedger({ url })).store.close();
    const relay = await lossyRelay(url, loss);
    const ledger = await openLedger({ url: relay.url });
    return {
      url,
      relay,
      store: ledger.store,
      [Symbol.asyncDispose]: async () => {
        await ledger.store.close();
        await relay[Symbol.asyncDispose]();
      },
    };
  }

  it.each(["question", "answer"] as const)("is not guessed: nobody says that it was not stored (%s)", async (loss) => {
    await using on = await lossy(loss);
    const run = newRun();
    on.relay.arm(run.id);
    const refused = await on.store.createRuns([run]).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "store_unavailable", retryable: true });
    expect(refused).not.toHaveProperty("nothingStored");
    expect(on.relay.isArmed()).toBe(false);
    const stored = await query(on.url, "select count(*) as runs from millrace_runs");
    expect(stored).toEqual([{ runs: loss === "answer" ? 1 : 0 }]);
  });

  it.each(["question", "answer"] as const)(
    "is told by the same runs given again: they are stored once (%s)",
    async (loss) => {
      await using on = await lossy(loss);
      const services = { ledger: new RunLedger(on.store), clock: new ManualClock() };
      const batches: readonly (readonly NewRun[])[] = [
        [newRun()],
        [newRun({ idempotencyKey: "key" })],
        [newRun(), newRun({ idempotencyKey: "key" }), newRun({ idempotencyKey: "new" })],
      ];
      for (const batch of batches) {
        on.relay.arm(batch.at(-1)?.id ?? "");
        const ends = await storeRuns(batch, services);
        expect(on.relay.isArmed()).toBe(false);
        expect(ends.map(({ kind }) => kind)).toEqual(batch.map(() => "stored"));
      }
      const [keyed] = await on.store.createRuns([newRun({ idempotencyKey: "key" })]);
      expect([keyed?.created, keyed?.run.id]).toEqual([false, batches[1]?.[0]?.id]);
      expect(await query(on.url, "select count(*) as runs from millrace_runs")).toEqual([{ runs: 4 }]);
      expect(await query(on.url, "select count(*) as events from millrace_run_events")).toEqual([{ events: 4 }]);
    },
  );

  it.each(["question", "answer"] as const)(
    "leaves a run as it was or as it is, whatever was remembered of it (%s)",
    async (loss) => {
      await using on = await lossy(loss);
      await on.store.createRuns([newRun()]);
      const [run] = await claim(on.store, 1);
      const permit = { from: "running", to: "committing", epoch: 1, commitId: "c" } as const;
      const committing = { type: "run.committing", commitId: "c", rowsStaged: 1 } as const;
      on.relay.arm("rowsStaged");
      const refused = await on.store.transition(run?.id ?? "", permit, [committing]).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: "store_unavailable" });
      expect(refused).not.toHaveProperty("nothingStored");
      const landed = loss === "answer";
      expect((await on.store.getRun(run?.id ?? ""))?.status).toBe(landed ? "committing" : "running");
      const again = await on.store.transition(run?.id ?? "", permit, [committing]);
      expect(again.moved ? "moved" : again.reason).toBe(landed ? "wrong_status" : "moved");
      expect(await on.store.readEvents(run?.id ?? "", { after: 2, limit: 9 })).toHaveLength(1);
    },
  );
});
