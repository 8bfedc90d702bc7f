import { expect, it } from "vitest";
import type { Connection } from "../../../src/ports/connection.js";
import type { ScanRequest } from "../../../src/ports/table-source.js";
import { recordBatch } from "../../../src/testing/rows/record-batch.js";
import { query, withEngine } from "./engine-session.js";
import { ONE_INTEGER } from "./engine-under-test.js";

/** A connection of one table, with snapshots; `log` tells what is done with these. */
function system(log: string[], scan: (request: ScanRequest) => Promise<void>): Connection {
  return {
    capabilities: { kind: "test", read: true, write: "none", writeHint: "Write elsewhere.", tables: "single" },
    source: () => ({
      schema: () => Promise.resolve(ONE_INTEGER),
      scan: () => expect.fail("it was read beside the snapshot"),
    }),
    snapshot: async () => ({
      async *scan(table, request) {
        expect(table).toBe("");
        await scan(request);
        yield recordBatch(ONE_INTEGER, [{ x: 1n }]);
      },
      close: async () => {
        log.push("closed");
        throw new Error("it was cut off already");
      },
    }),
    check: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

it("tables of different connections are read at the same time", async () => {
  const log: string[] = [];
  const arrived: (() => void)[] = [];
  // Nobody goes on before both are there.
  const meet = (): Promise<void> =>
    new Promise((resolve) => {
      arrived.push(resolve);
      if (arrived.length === 2) for (const go of arrived) go();
    });
  await withEngine({ a: system(log, meet), b: system(log, meet) }, async ({ rows }) => {
    expect(await rows("select a.x + b.x as x from a, b")).toEqual([{ x: 2n }]);
    expect(log).toEqual(["closed", "closed"]);
  });
});

it("when one of them fails, the others are ended, and its error is the one that is told", async () => {
  const log: string[] = [];
  const waits = ({ signal }: ScanRequest): Promise<void> =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }));
  const fails = (): Promise<void> => Promise.reject(new Error("the wire was cut"));
  await withEngine({ a: system(log, waits), b: system(log, fails), c: system(log, waits) }, async ({ rows }) => {
    await expect(rows("select 1 as x from a, b, c")).rejects.toMatchObject({
      code: "query_failed",
      connection: "b",
      message: "Reading b failed: the wire was cut",
    });
    expect(log).toEqual(["closed", "closed", "closed"]);
  });
});

it("a snapshot that cannot be had is the connection's error", async () => {
  const away = { ...system([], () => Promise.resolve()), snapshot: () => Promise.reject(new Error("no such host")) };
  await withEngine({ away }, async ({ rows, describe }) => {
    expect((await describe("from away")).tables).toEqual(["away"]);
    await expect(rows("from away")).rejects.toMatchObject({
      code: "query_failed",
      message: "Reading away failed: no such host",
    });
  });
});

it("closing the engine ends what is read, and closes its snapshot", async () => {
  const log: string[] = [];
  let started = (): void => undefined;
  const reading = new Promise<void>((resolve) => (started = resolve));
  const waits = ({ signal }: ScanRequest): Promise<void> =>
    new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
      started();
    });
  let rejected: Promise<unknown> | undefined;
  await withEngine({ a: system(log, waits) }, async ({ rows }) => {
    rejected = expect(rows(query("from a"))).rejects.toThrow("The engine was closed.");
    await reading;
  });
  await rejected;
  expect(log).toEqual(["closed"]);
});
