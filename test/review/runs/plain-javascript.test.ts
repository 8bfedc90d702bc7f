import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MemoryJobStore } from "../../../src/adapters/memory/memory-job-store.js";
import { defineJob } from "../../../src/jobs/define-job.js";
import { JobExecutor } from "../../../src/executor/job-executor.js";
import { isJobError } from "../../../src/model/job-error.js";
import { retryDelayMs } from "../../../src/runs/retry-policy.js";
import { harness } from "../../support/executor-harness.js";
import { Gate } from "../../support/gate.js";
import { drainRows, ScriptedDestination, writeWell } from "../../support/scripted-destination.js";
import { idBatch, StubEngine, type Play } from "../../support/stub-engine.js";

const unhandled: unknown[] = [];
const note = (reason: unknown) => void unhandled.push(reason);
let others: NodeJS.UnhandledRejectionListener[] = [];
beforeEach(() => {
  unhandled.length = 0;
  others = process.listeners("unhandledRejection") as NodeJS.UnhandledRejectionListener[];
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", note);
});
afterEach(() => {
  process.removeAllListeners("unhandledRejection");
  for (const other of others) process.on("unhandledRejection", other);
});
const tick = () => new Promise((resolve) => setImmediate(resolve));

const boom = () => {
  throw new Error("boom");
};

describe("a submit from plain JavaScript is refused as a value", () => {
  const cases: [string, (submit: (...args: unknown[]) => unknown) => unknown][] = [
    ["no name", (submit) => submit()],
    ["a name that is a number", (submit) => submit(42)],
    ["a name that is a symbol", (submit) => submit(Symbol("load"))],
    ["a name that is an object", (submit) => submit({})],
    ["null options", (submit) => submit("load", {}, null)],
    ["options that are a string", (submit) => submit("load", {}, "fast")],
    ["a signal that is none", (submit) => submit("load", {}, { signal: {} })],
    ["a misspelt option", (submit) => submit("load", {}, { timeOutMs: 5 })],
  ];
  for (const [name, act] of cases) {
    it(name, async () => {
      const { executor } = harness();
      await executor.start();
      const result = await Promise.resolve()
        .then(() => act(executor.submit.bind(executor) as never))
        .catch((error: unknown) => ({ threw: error }));
      expect.soft(result).toMatchObject({ error: { name: "JobError" } });
      const error = (result as { error?: unknown }).error;
      // A host's mistake is not "a defect of Millrace, please report it".
      if (isJobError(error)) expect.soft(error.code).not.toBe("internal_error");
      expect((await executor.listRuns()).runs).toEqual([]);
      await executor.stop();
    });
  }

  it("a preview with a limit that is no number of rows", async () => {
    for (const limit of [Number.NaN, -1, 1.5, Infinity, "5"]) {
      const { executor } = harness();
      await executor.start();
      const result = await executor.preview("load", undefined, { limit: limit as number });
      expect.soft(result.isErr() && result.error.code, String(limit)).toBe("invalid_parameter");
      await executor.stop();
    }
  });

  it("a start deadline that lies before runAt, or in the past", async () => {
    const { executor, clock } = harness();
    await executor.start();
    const at = (ms: number) => new Date(clock.now() + ms);
    const never = await executor.submit("load", undefined, { runAt: at(2_000), startDeadline: at(1_000) });
    const past = await executor.submit("load", undefined, { startDeadline: at(-1) });
    expect([never.isErr(), past.isErr()]).toEqual([true, true]);
    await executor.stop();
  });
});

describe("the constructor refuses with invalid_definition and names the field", () => {
  const load = defineJob({ name: "load", query: "select 1", destination: { table: "out.t" } });
  const good = { engine: new StubEngine(), store: new MemoryJobStore(), connections: {}, jobs: [load] };
  const cases: [string, unknown][] = [
    ["nothing", undefined],
    ["connections left out", { ...good, connections: undefined }],
    ["connections as a Map", { ...good, connections: new Map() }],
    ["jobs left out", { ...good, jobs: undefined }],
    [
      "a job that defineJob did not make",
      { ...good, jobs: [{ name: "x", query: "select 1", destination: { table: "out.t" } }] },
    ],
    ["no engine", { ...good, engine: undefined }],
    ["no store", { ...good, store: undefined }],
    ["a connection that is null", { ...good, connections: { a: null } }],
    ["a lease longer than time", { ...good, leaseMs: Number.MAX_SAFE_INTEGER }],
    ["a misspelt option", { ...good, maxConcurentRuns: 1 }],
  ];
  for (const [name, options] of cases) {
    it(name, () => {
      let thrown: unknown;
      try {
        new JobExecutor(options as never);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toMatchObject({ code: "invalid_definition" });
    });
  }
});

describe("a destination in plain JavaScript", () => {
  it("whose schema() throws instead of rejecting is connection_unavailable, at submit and at run time", async () => {
    const destination = new ScriptedDestination(writeWell);
    destination.schema = boom;
    const { executor } = harness({ destination });
    await executor.start();
    expect((await executor.submit("load"))._unsafeUnwrapErr()).toMatchObject({ code: "connection_unavailable" });
    let asked = 0;
    destination.schema = () => ((asked += 1) === 1 ? Promise.resolve(null) : boom());
    expect(await (await executor.submitOrThrow("load")).result()).toMatchObject({
      error: { code: "connection_unavailable", retryable: true },
    });
    await executor.stop();
  });

  it("that throws what is no error still ends its run", async () => {
    const thrown: unknown[] = [
      undefined,
      null,
      "text",
      Symbol("s"),
      Object.create(null),
      { message: Symbol("m") },
      Object.assign(new Error("x"), { message: undefined }),
      new Proxy({}, { get: boom, has: boom, getPrototypeOf: boom }),
    ];
    for (const [index, value] of thrown.entries()) {
      const destination = new ScriptedDestination(async (rows) => {
        await drainRows(rows);
        throw value;
      });
      const { executor } = harness({ destination });
      await executor.start();
      const handle = await executor.submitOrThrow("load");
      for (let n = 0; n < 10; n += 1) await tick();
      expect.soft((await handle.get())?.status, `thrown[${index}]`).toBe("failed");
      await executor.stop();
    }
  });
});

describe("a logger that throws", () => {
  it("neither kills the process nor the dispatcher", async () => {
    const store = new MemoryJobStore();
    const claim = store.claimRuns.bind(store);
    let outage = true;
    store.claimRuns = (request) => (outage ? Promise.reject(new Error("ledger away")) : claim(request));
    const { executor, clock } = harness({ store, logger: { debug: boom, info: boom, warn: boom, error: boom } });
    await executor.start();
    await clock.advance(10);
    outage = false;
    const handle = await executor.submitOrThrow("load");
    await clock.advance(5_000);
    await tick();
    expect.soft(unhandled).toEqual([]);
    expect(await handle.get()).toMatchObject({ status: "succeeded" });
    await executor.stop();
  });
});

describe("a store that throws instead of rejecting", () => {
  for (const method of ["nextRunAt", "renewLease"] as const) {
    it(`from ${method} for a while: no unhandled rejection, and the run ends`, async () => {
      const store = new MemoryJobStore();
      const original = store[method].bind(store) as (...args: never[]) => never;
      let outage = false;
      (store as unknown as Record<string, unknown>)[method] = (...args: never[]) =>
        outage ? boom() : original(...args);
      const gate = new Gate();
      const waits: Play = async function* ({ signal }) {
        await gate.pass(signal);
        yield idBatch([1]);
      };
      const { executor, clock } = harness({ store, plays: { "select 1": waits }, leaseMs: 3_000 });
      await executor.start();
      const first = await executor.submitOrThrow("load");
      await gate.reached;
      outage = true;
      const second = await executor.submitOrThrow("load");
      await clock.advance(2_000);
      outage = false;
      gate.open();
      for (let n = 0; n < 20; n += 1) await clock.advance(1_000);
      expect.soft(unhandled).toEqual([]);
      expect.soft((await first.get())?.status).toBe("succeeded");
      expect.soft((await second.get())?.status).toBe("succeeded");
      await executor.stop();
    });
  }

  it("whose answer to createRun is lost: what was stored is not called `not submitted`", async () => {
    const store = new MemoryJobStore();
    const create = store.createRun.bind(store);
    store.createRun = async (run) => {
      await create(run);
      throw new Error("answer lost");
    };
    const { executor, clock } = harness({ store });
    await executor.start();
    const submitted = await executor.submit("load");
    await clock.advance(2_000);
    const { runs } = await executor.listRuns();
    // Law 5: a refused submit leaves no trace; here it even ran.
    expect({ refused: submitted.isErr(), runs: runs.length }).toEqual({ refused: false, runs: 1 });
    await executor.stop();
  });
});

describe("the store", () => {
  it("is given the logger, so that a run which no claim can read is told of", async () => {
    const store = new MemoryJobStore();
    const open = store.open.bind(store);
    let context: object = {};
    store.open = (given) => ((context = given), open(given));
    const { executor } = harness({ store });
    await executor.start();
    expect(context).toHaveProperty("logger");
    await executor.stop();
  });
});

describe("retry arithmetic", () => {
  it("is a number for every allowed policy", () => {
    for (const kind of ["constant", "linear", "exponential"] as const) {
      for (const delayMs of [0, 1, 1_000, 2_147_483_647]) {
        for (const failed of [1, 2, 31, 1_024, 1_025, 1_000_000]) {
          for (const random of [0, 0.5, 0.999_999]) {
            const delay = retryDelayMs({ kind, delayMs, maxDelayMs: 2_147_483_647 }, failed, random);
            expect.soft(Number.isSafeInteger(delay) && delay >= 0, `${kind} ${delayMs} ${failed}`).toBe(true);
          }
        }
      }
    }
  });
});

describe("an id that comes twice", () => {
  it("is refused, and does not touch the first run's secrets", async () => {
    const job = defineJob({
      name: "secretive",
      query: "select {token}",
      params: { token: { type: "VARCHAR", secret: true } },
      destination: { table: "out.t" },
    });
    const seen: unknown[] = [];
    const reads: Play = async function* ({ query }) {
      seen.push(query.parameters.get("token")?.value);
      await Promise.resolve();
      yield idBatch([1]);
    };
    const { executor, clock } = harness({
      jobs: [job],
      plays: { "select {token}": reads },
      ids: { next: () => "same", random: () => 0.5 },
    });
    await executor.start();
    const first = await executor.submitOrThrow(
      "secretive",
      { token: "first-secret" },
      { runAt: new Date(clock.now() + 500) },
    );
    expect((await executor.submit("secretive", { token: "second-secret" })).isErr()).toBe(true);
    await clock.advance(2_000);
    expect(await first.get()).toMatchObject({ status: "succeeded" });
    expect(seen).toEqual(["first-secret"]);
    await executor.stop();
  });
});
