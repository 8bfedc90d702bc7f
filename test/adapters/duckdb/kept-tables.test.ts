import { expect, it } from "vitest";
import { recordBatch } from "../../../src/testing/rows/record-batch.js";
import { query, withEngine } from "./engine-session.js";
import { ONE_INTEGER, single } from "./engine-under-test.js";

it("a query that waits for a copy which another gives up makes it itself", async () => {
  const abort = new AbortController();
  let scans = 0;
  let begun = (): void => undefined;
  const reading = new Promise<void>((resolve) => (begun = resolve));
  const source = single({
    immutable: true,
    schema: () => Promise.resolve(ONE_INTEGER),
    async *scan({ signal }) {
      scans += 1;
      begun();
      if (scans === 1) {
        await new Promise((_, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
        });
      }
      yield recordBatch(ONE_INTEGER, [{ x: 7n }]);
    },
  });
  await withEngine({ source }, async ({ engine, rows }) => {
    const first = engine.stream(query("from source"), { signal: abort.signal });
    await reading;
    const second = rows("from source");
    // Until the second waits, too.
    await rows("select 1 as x");
    abort.abort(new Error("cancelled"));
    await expect(first).rejects.toThrow("cancelled");
    expect(await second).toEqual([{ x: 7n }]);
    expect(await rows("from source")).toEqual([{ x: 7n }]);
    expect(scans).toBe(2);
  });
});
