import { describe, expect, it } from "vitest";
import { DuckDBEngine } from "../../src/adapters/duckdb/entry.js";
import { memory } from "../../src/adapters/memory/memory-connection.js";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { JobExecutor } from "../../src/executor/job-executor.js";
import { defineJob } from "../../src/jobs/define-job.js";
import {
  CRASH_POINTS,
  type CrashPoints,
  crashingConnection,
  crashingDestination,
  crashingStore,
} from "../../src/testing/crash-points.js";
import { sampleRows, write } from "../../src/testing/destination/destination-fixture.js";

/** Runs one job of one row with these points. */
async function runWith(points: CrashPoints) {
  const out = memory();
  const job = defineJob({ name: "one", query: "select 1 as id", destination: { table: "out.t" } });
  const executor = new JobExecutor({
    engine: new DuckDBEngine({ threads: 1 }),
    store: crashingStore(new MemoryJobStore(), points),
    connections: { out: crashingConnection(out, points) },
    jobs: [job],
  });
  await executor.start();
  const end = await (await executor.submitOrThrow("one", {})).result();
  await executor.stop();
  return { end, out };
}

describe("crash points", () => {
  it("are all passed by a run, each once and in their order", async () => {
    const passed: string[] = [];
    const { end } = await runWith(
      Object.fromEntries(CRASH_POINTS.map((point) => [point, () => void passed.push(point)])),
    );
    expect(end.status).toBe("succeeded");
    expect(passed).toEqual([...CRASH_POINTS]);
  });

  it("fail the call that passes them when their action throws", async () => {
    const { end, out } = await runWith({
      "destination.first-batch": () => Promise.reject(new Error("pulled the plug")),
    });
    expect(end).toMatchObject({
      status: "failed",
      error: { message: expect.stringContaining("pulled the plug") as string },
    });
    expect(out.tables()).toEqual([]);
  });

  it("hold the call up while their action waits", async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const out = memory();
    const destination = crashingDestination(out.destination!("t")!, { "permit:after": () => held });
    const reached = new Promise<void>((atPermit) => {
      const writing = write(destination, {
        commitId: "a",
        steps: [sampleRows(1, 1)],
        createIfMissing: true,
        atPermit: () => atPermit(),
      });
      void writing.then(() => release());
    });
    await reached;
    expect(out.tables()).toEqual([]);
    release();
    await expect.poll(() => out.tables()).toEqual(["t"]);
  });

  it("leave everything else as it is, also what belongs to a frozen object", async () => {
    const frozen = Object.freeze({ ...memory(), capabilities: memory().capabilities, destination: () => undefined });
    const connection = crashingConnection(frozen, {});
    expect(connection.capabilities).toBe(frozen.capabilities);
    expect(connection.destination?.("t")).toBeUndefined();
    expect("secrets" in connection).toBe(false);
    const destination = crashingDestination(memory().destination!("t")!, {});
    expect(destination.storage?.({ kind: "text" }, null)).toEqual({ stored: true });
    expect(await destination.settleCommit("a", new AbortController().signal)).toEqual({ state: "never" });
  });
});
