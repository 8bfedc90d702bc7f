import { expect, it, describe } from "vitest";
import type { CommitReceipt } from "../../src/model/write-mode.js";
import { allEvents, harness, untilEvent } from "../support/executor-harness.js";
import { Gate } from "../support/gate.js";
import { drainRows, ScriptedDestination, writeWell } from "../support/scripted-destination.js";
import { rowsOf } from "../support/stub-engine.js";

/** Runs the job `load` into a destination that follows the script, and gives the run's end. */
async function runInto(destination: ScriptedDestination, options: Parameters<typeof harness>[0] = {}) {
  const { executor, clock } = harness({ destination, ...options });
  await executor.start();
  const handle = await executor.submitOrThrow("load");
  return { executor, clock, handle };
}

describe("a destination that keeps its promise", () => {
  it("succeeds with the rows staged and passes every state in order", async () => {
    const { executor, handle } = await runInto(new ScriptedDestination(writeWell), {
      plays: { "select 1": rowsOf(2_500) },
    });
    const run = await handle.result();
    expect(run).toMatchObject({ status: "succeeded", rowsWritten: 2_500, attempt: 1, error: null, commitId: run.id });
    const events = await allEvents(handle);
    expect(events.map(({ type }) => type).filter((type) => type !== "run.progress")).toEqual([
      "run.pending",
      "run.running",
      "run.committing",
      "run.succeeded",
    ]);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    await executor.stop();
  });

  it("stores the destination's snapshot id", async () => {
    const destination = new ScriptedDestination(async (rows, request) => {
      const permit = await request.permit({ rowsStaged: await drainRows(rows) });
      return permit.committed({ snapshotId: "17" });
    });
    const { executor, handle } = await runInto(destination);
    expect(await handle.result()).toMatchObject({ status: "succeeded", snapshotId: "17" });
    await executor.stop();
  });
});

describe("a destination that breaks its promise", () => {
  const receipt: CommitReceipt = { commitId: "run-0002", rowsWritten: 3, snapshotId: null };
  const broken: Record<string, [(typeof ScriptedDestination.prototype)["write"], code: string, message: RegExp]> = {
    "never asks for its permit": [
      async (rows) => {
        await drainRows(rows);
        return receipt;
      },
      "destination_misbehaved",
      /without asking for its permit/,
    ],
    "asks before the end of the rows": [
      async (_rows, request) => (await request.permit({ rowsStaged: 0 })).committed(),
      "destination_misbehaved",
      /before the end of the rows/,
    ],
    "asks after the last batch but before the proven end": [
      async (rows, request) => {
        const iterator = rows[Symbol.asyncIterator]();
        const first = await iterator.next();
        return (await request.permit({ rowsStaged: first.done ? 0 : first.value.numRows })).committed();
      },
      "destination_misbehaved",
      /before the end of the rows/,
    ],
    "staged fewer rows than it got": [
      async (rows, request) => (await request.permit({ rowsStaged: (await drainRows(rows)) - 1 })).committed(),
      "stream_incomplete",
      /gave 3 rows, but the destination staged 2/,
    ],
    "throws instead of rejecting": [
      () => {
        throw new Error("not a promise");
      },
      "destination_failed",
      /not a promise/,
    ],
    "swallows the failure of its permit": [
      async (rows, request) => {
        await drainRows(rows);
        await request.permit({ rowsStaged: 99 }).catch(() => undefined);
        return receipt;
      },
      "stream_incomplete",
      /staged 99/,
    ],
  };
  for (const [name, [script, code, message]] of Object.entries(broken)) {
    it(`fails without a commit when it ${name}`, async () => {
      const destination = new ScriptedDestination(script);
      const { executor, handle } = await runInto(destination);
      const run = await handle.result();
      expect(run).toMatchObject({ status: "failed", error: { code }, rowsWritten: null });
      expect(run.error?.message).toMatch(message);
      expect(run.error?.hint).not.toBe("");
      await executor.stop();
    });
  }

  it("is settled when it throws after the permit: committed", async () => {
    const destination = new ScriptedDestination(async (rows, request) => {
      await request.permit({ rowsStaged: await drainRows(rows) });
      throw new Error("socket lost");
    });
    destination.answers.push({ state: "committed", receipt: { ...receipt, snapshotId: "9" } });
    const { executor, handle } = await runInto(destination);
    expect(await handle.result()).toMatchObject({ status: "succeeded", rowsWritten: 3, snapshotId: "9" });
    expect(destination.asked).toEqual([handle.id]);
    await executor.stop();
  });

  it("is settled when it throws after the permit: never, and the next attempt takes another commit id", async () => {
    let calls = 0;
    const destination = new ScriptedDestination(async (rows, request) => {
      const permit = await request.permit({ rowsStaged: await drainRows(rows) });
      calls += 1;
      if (calls === 1) throw new Error("socket lost");
      return permit.committed();
    });
    const { executor, handle, clock } = await runInto(destination, { execution: { maxAttempts: 2 } });
    expect(await untilEvent(handle, "run.retrying")).toMatchObject({
      cause: "error",
      error: { code: "destination_failed" },
    });
    await clock.advance(1_000);
    const run = await handle.result();
    expect(run).toMatchObject({ status: "succeeded", attempt: 2 });
    expect(destination.requests.map(({ commitId }) => commitId)).toEqual([handle.id, run.commitId]);
    expect(run.commitId).not.toBe(handle.id);
    await executor.stop();
  });

  it("stays committing while nobody can know, says why once, and is settled later", async () => {
    const destination = new ScriptedDestination(async (rows, request) => {
      await request.permit({ rowsStaged: await drainRows(rows) });
      throw new Error("socket lost");
    });
    const doubt = { state: "in_doubt", reason: "the server does not answer" } as const;
    destination.answers.push(doubt, doubt, new Error("still down"), { state: "committed", receipt });
    const { executor, handle, clock } = await runInto(destination, { leaseMs: 1_000 });
    expect(await untilEvent(handle, "run.commit_in_doubt")).toMatchObject({ reason: "the server does not answer" });
    expect(await handle.get()).toMatchObject({ status: "committing" });
    expect(await handle.cancel()).toBe("too_late");
    for (let sweep = 0; sweep < 8; sweep += 1) await clock.advance(1_000);
    expect(await handle.result()).toMatchObject({ status: "succeeded", rowsWritten: 3 });
    const doubts = (await allEvents(handle)).filter(({ type }) => type === "run.commit_in_doubt");
    expect(doubts).toMatchObject([{ reason: "the server does not answer" }, { reason: "still down" }]);
    await executor.stop();
  });

  it("is settled when it does not answer after the permit, and a late receipt is refused", async () => {
    const hang = new Gate();
    let late: unknown;
    const destination = new ScriptedDestination(async (rows, request) => {
      const permit = await request.permit({ rowsStaged: await drainRows(rows) });
      await hang.pass();
      try {
        return permit.committed();
      } catch (error) {
        late = error;
        throw error;
      }
    });
    const { executor, handle, clock } = await runInto(destination, { commitTimeoutMs: 5_000 });
    await hang.reached;
    await clock.advance(5_000);
    const run = await handle.result();
    expect(run).toMatchObject({ status: "failed", error: { code: "destination_failed" } });
    expect(run.error?.message).toContain("5000 ms");
    hang.open();
    await clock.advance(0);
    expect(late).toMatchObject({ code: "destination_misbehaved" });
    expect(await handle.get()).toEqual(run);
    await executor.stop();
  });

  it("is waited for while it may still be committing", async () => {
    const slow = new Gate();
    const destination = new ScriptedDestination(async (rows, request) => {
      const permit = await request.permit({ rowsStaged: await drainRows(rows) });
      await slow.pass();
      return permit.committed();
    });
    destination.answers.push({ state: "in_doubt", reason: "its transaction is open" });
    const { executor, handle, clock } = await runInto(destination, { commitTimeoutMs: 5_000 });
    await slow.reached;
    await clock.advance(5_000);
    await untilEvent(handle, "run.commit_in_doubt");
    slow.open();
    expect(await handle.result()).toMatchObject({ status: "succeeded", rowsWritten: 3 });
    await executor.stop();
  });

  it("cannot commit after it ignored a cancel: its permit is refused", async () => {
    const deaf = new Gate();
    let refused: unknown;
    const destination = new ScriptedDestination(async (rows, request) => {
      const rowsStaged = await drainRows(rows);
      await deaf.pass();
      return (
        await request.permit({ rowsStaged }).catch((error: unknown) => {
          refused = error;
          throw error;
        })
      ).committed();
    });
    const { executor, handle, clock } = await runInto(destination);
    await deaf.reached;
    expect(await handle.cancel("enough")).toBe("requested");
    await clock.advance(5_000);
    expect(await handle.result()).toMatchObject({ status: "cancelled", rowsWritten: null });
    deaf.open();
    await clock.advance(0);
    expect(refused).toMatchObject({ code: "aborted" });
    await executor.stop();
  });
});
