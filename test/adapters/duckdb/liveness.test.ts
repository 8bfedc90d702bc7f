import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { csv } from "../../../src/adapters/duckdb/entry.js";
import { countRows, NEVER_ABORTED, opened, plain } from "../../../src/testing/engine/engine-fixture.js";
import { recordBatch } from "../../../src/testing/rows/record-batch.js";
import { ManualClock } from "../../../src/testing/manual-clock.js";
import { inFolder, LATE, makeEngine, ONE_INTEGER, single, within } from "./engine-under-test.js";

const HOURS = "select a.i from range(10000000) a(i), range(10000000) b(i) where hash(a.i * b.i) = 1";

it("two streams that wait for rows hold no describe back", () =>
  inFolder(async (folder) => {
    await writeFile(join(folder, "a.csv"), "id\n1\n");
    const engine = makeEngine();
    await opened(engine, { g: csv(join(folder, "a.csv")) }, async () => {
      const abort = new AbortController();
      const slow: Promise<unknown>[] = [];
      for (let n = 0; n < 2; n += 1) {
        // A million rows at once, and then none for hours.
        const stream = await engine.stream(plain(`select i from range(1000000) t(i) union all ${HOURS}`), {
          signal: abort.signal,
        });
        await new Promise<void>((resolve) => {
          slow.push(countRows(stream, () => resolve()).catch(() => 0));
        });
      }
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      try {
        const described = await within(2_000, engine.describe(plain("from g"), NEVER_ABORTED));
        expect(described).not.toBe(LATE);
      } finally {
        abort.abort(new Error("enough"));
        await Promise.all(slow);
      }
    });
  }));

it("close() ends a stream() whose source never yields", async () => {
  const engine = makeEngine();
  const release = new AbortController();
  const source = single({
    schema: () => Promise.resolve(ONE_INTEGER),
    async *scan({ signal }) {
      await new Promise((_, reject) => {
        AbortSignal.any([signal, release.signal]).addEventListener("abort", () => reject(new Error("stopped")));
      });
      yield recordBatch(ONE_INTEGER, []);
    },
  });
  const silent = (): void => undefined;
  await engine.open({
    connections: new Map([["state", source]]),
    clock: new ManualClock(),
    logger: { debug: silent, info: silent, warn: silent, error: silent },
  });
  const stream = engine.stream(plain("from state"), { signal: NEVER_ABORTED }).catch(() => "rejected");
  await new Promise((resolve) => setTimeout(resolve, 200));
  const closing = engine.close();
  const closed = await within(2_000, closing);
  release.abort();
  await Promise.all([closing, stream]);
  expect(closed).not.toBe(LATE);
});

it("limit 0 under an aborted signal throws its reason", async () => {
  const engine = makeEngine();
  await opened(engine, {}, async () => {
    const abort = new AbortController();
    const reason = new Error("cancelled");
    const stream = await engine.stream(plain("select 1 as x"), { signal: abort.signal, limit: 0 });
    abort.abort(reason);
    await expect(countRows(stream)).rejects.toBe(reason);
  });
});
