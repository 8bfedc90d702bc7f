import { describe, expect, it } from "vitest";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import type { CommitReceipt } from "../../src/model/write-mode.js";
import type { CommitPermit, WriteRequest } from "../../src/ports/job-destination.js";
import type { RunTransition } from "../../src/ports/job-store.js";
import type { RowStream } from "../../src/ports/row-stream.js";
import { harness } from "../support/executor-harness.js";
import { Gate } from "../support/gate.js";
import { drainRows, ScriptedDestination, writeWell } from "../support/scripted-destination.js";
import { idBatch, rowsOf, StubEngine } from "../support/stub-engine.js";

/** The move to `committing` waits at a gate before it reaches the ledger. */
class SlowPermit extends MemoryJobStore {
  constructor(private readonly gate: Gate) {
    super();
  }
  override async transition(id: string, change: RunTransition, events: Parameters<MemoryJobStore["transition"]>[2]) {
    if (change.to === "committing") await this.gate.pass();
    return super.transition(id, change, events);
  }
}

/** An engine whose streams' close does what a test says. */
class ClosingEngine extends StubEngine {
  constructor(private readonly closing: () => Promise<void>) {
    super({ "select 1": rowsOf(3) });
  }
  override async stream(...args: Parameters<StubEngine["stream"]>): Promise<RowStream> {
    const stream = await super.stream(...args);
    return {
      schema: stream.schema,
      close: this.closing,
      [Symbol.asyncIterator]: () => stream[Symbol.asyncIterator](),
    };
  }
}

const tick = () => new Promise((resolve) => setImmediate(resolve));
const ticks = async (n = 10) => {
  for (let i = 0; i < n; i += 1) await tick();
};

/** A destination whose write fails while its permit is being asked for, and which commits when the permit comes. */
function impatient(landed: string[]) {
  return async (rows: RowStream, request: WriteRequest): Promise<CommitReceipt> => {
    const rowsStaged = await drainRows(rows);
    void request
      .permit({ rowsStaged })
      .then((permit: CommitPermit) => {
        landed.push(request.commitId);
        return permit.committed();
      })
      .catch(() => undefined);
    throw new Error("its own permit time-out passed");
  };
}

describe("a write that ends while its permit is still being asked for", () => {
  for (const maxAttempts of [1, 2]) {
    it(`never ends failed nor commits twice: ${maxAttempts} attempt(s)`, async () => {
      const permitGate = new Gate();
      const closeGate = new Gate();
      const landed: string[] = [];
      let calls = 0;
      const destination = new ScriptedDestination((rows, request) => {
        calls += 1;
        return calls === 1
          ? impatient(landed)(rows, request)
          : writeWell(rows, request).then((r) => (landed.push(request.commitId), r));
      });
      destination.answers.push({ state: "in_doubt", reason: "asked too early" });
      const engine = new ClosingEngine(() => closeGate.pass());
      const { executor, clock } = harness({
        destination,
        engine,
        store: new SlowPermit(permitGate),
        execution: { maxAttempts, backoff: { kind: "constant", delayMs: 0, maxDelayMs: 0 } },
      });
      await executor.start();
      const handle = await executor.submitOrThrow("load");
      // The write has failed while the permit's answer is on its way.
      await permitGate.reached;
      await ticks();
      permitGate.open();
      await closeGate.reached;
      closeGate.open();
      await ticks();
      await clock.advance(1_000);
      await ticks();
      const run = await handle.get();
      // Law 2: with rows in the destination the run is neither failed, nor run again and landed twice.
      expect({ status: run?.status, landed: landed.length }).not.toEqual({ status: "failed", landed: 1 });
      expect(landed.length).toBeLessThanOrEqual(1);
      void executor.stop({ mode: "cancel", timeoutMs: 0 });
      await clock.advance(10);
    });
  }
});

describe("the logger", () => {
  it("that throws while a commit is in doubt does not make the run failed", async () => {
    const hang = new Gate();
    let landed = 0;
    const destination = new ScriptedDestination(async (rows, request) => {
      const permit = await request.permit({ rowsStaged: await drainRows(rows) });
      await hang.pass();
      landed += 1;
      return permit.committed();
    });
    destination.answers.push({ state: "in_doubt", reason: "its transaction is open" });
    const boom = () => {
      throw new Error("log disk full");
    };
    const { executor, clock } = harness({
      destination,
      commitTimeoutMs: 5_000,
      logger: { debug: boom, info: boom, warn: boom, error: boom },
    });
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    await hang.reached;
    await clock.advance(5_000);
    const doubtful = await handle.get();
    hang.open();
    await clock.advance(0);
    expect(landed).toBe(1);
    expect(doubtful?.status).toBe("committing");
    expect((await handle.get())?.status).toBe("succeeded");
    await executor.stop();
  });
});

describe("the end of the rows", () => {
  it("is not proven by a second pass over a stream that was left early", async () => {
    class OnePassEngine extends StubEngine {
      override async stream(...args: Parameters<StubEngine["stream"]>): Promise<RowStream> {
        const stream = await super.stream(...args);
        // As every generator does: what was left early gives an empty second pass.
        const iterator = stream[Symbol.asyncIterator]() as AsyncGenerator<never>;
        return { schema: stream.schema, close: () => stream.close(), [Symbol.asyncIterator]: () => iterator };
      }
    }
    const engine = new OnePassEngine({
      "select 1": async function* () {
        yield idBatch([1]);
        yield idBatch([2]);
        yield idBatch([3]);
      },
    });
    const destination = new ScriptedDestination(async (rows, request) => {
      let rowsStaged = 0;
      for await (const batch of rows) {
        rowsStaged += batch.numRows;
        break;
      }
      for await (const batch of rows) rowsStaged += batch.numRows;
      return (await request.permit({ rowsStaged })).committed();
    });
    const { executor } = harness({ destination, engine });
    await executor.start();
    const run = await (await executor.submitOrThrow("load")).result();
    expect(run).toMatchObject({ status: "failed" });
    await executor.stop();
  });
});

describe("a query that cannot be released", () => {
  it("after the receipt still ends succeeded: close throws synchronously", async () => {
    const engine = new ClosingEngine(() => {
      throw new Error("no");
    });
    const { executor, out } = harness({ engine });
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    await ticks();
    expect(await out.rows("t")).toHaveLength(3);
    expect((await handle.get())?.status).toBe("succeeded");
    await executor.stop();
  });

  it("after the receipt still ends succeeded: close hangs", async () => {
    const engine = new ClosingEngine(() => new Promise(() => undefined));
    const { executor, clock, out } = harness({ engine });
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    await ticks();
    expect(await out.rows("t")).toHaveLength(3);
    for (let minute = 0; minute < 60; minute += 1) await clock.advance(60_000);
    expect((await handle.get())?.status).toBe("succeeded");
    void executor.stop({ mode: "cancel", timeoutMs: 0 });
    await clock.advance(10);
  });
});

describe("a settlement that makes no sense", () => {
  const nonsense: [string, unknown][] = [
    ["nothing", null],
    ["an unknown state", { state: "dunno" }],
    ["committed without a receipt", { state: "committed" }],
    ["a receipt without a row count", { state: "committed", receipt: { commitId: "x" } }],
    [
      "another commit's receipt",
      { state: "committed", receipt: { commitId: "other", rowsWritten: 7, snapshotId: null } },
    ],
  ];
  for (const [name, answer] of nonsense) {
    it(`is doubt, and does not keep the executor from starting: ${name}`, async () => {
      const hang = new Gate();
      const crashed = harness({
        destination: new ScriptedDestination(async (rows, request) => {
          await request.permit({ rowsStaged: await drainRows(rows) });
          await hang.pass();
          throw new Error("gone");
        }),
        leaseMs: 1_000,
      });
      await crashed.executor.start();
      const { id } = await crashed.executor.submitOrThrow("load");
      await hang.reached;
      const store = new MemoryJobStore({ snapshot: crashed.store.snapshot() });
      crashed.clock.jumpTo(crashed.clock.now() + 1_000);
      const destination = new ScriptedDestination(writeWell);
      destination.settleCommit = () => Promise.resolve(answer as never);
      const { executor } = harness({ destination, store, clock: crashed.clock, leaseMs: 1_000 });
      const report = await executor.start().catch((error: unknown) => error);
      expect(report).toMatchObject({ recovered: { inDoubt: 1 } });
      expect(await executor.getRun(id)).toMatchObject({ status: "committing" });
      await executor.stop();
    });
  }
});

describe("a destination without a fence", () => {
  it("is refused with retries on, or its `never` is not believed", async () => {
    let landed = 0;
    const late = new Gate();
    const destination = new ScriptedDestination(async (rows, request) => {
      const permit = await request.permit({ rowsStaged: await drainRows(rows) });
      if (destination.requests.length === 1) await late.pass();
      landed += 1;
      return permit.committed();
    });
    Object.assign(destination, { capabilities: { ...destination.capabilities, commitFence: "lookup" } });
    // A look-up that finds nothing: `never`, says an adapter that confuses the two.
    const { executor, clock } = harness({ destination, commitTimeoutMs: 1_000, execution: { maxAttempts: 2 } });
    await executor.start();
    const submitted = await executor.submit("load");
    if (submitted.isErr()) return;
    await late.reached;
    await clock.advance(1_000);
    await clock.advance(2_000);
    late.open();
    await clock.advance(1_000);
    expect(landed).toBe(1);
    await executor.stop();
  });
});
