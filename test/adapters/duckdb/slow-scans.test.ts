import { expect, it } from "vitest";
import { DuckDBEngine } from "../../../src/adapters/duckdb/entry.js";
import { allRows, opened, plain } from "../../../src/testing/engine/engine-fixture.js";
import { recordBatch } from "../../../src/testing/rows/record-batch.js";
import { ONE_INTEGER, single } from "./engine-under-test.js";

it("a source that takes its time does not keep the memory of what others have read meanwhile", async () => {
  const engine = new DuckDBEngine({ memoryLimit: "64MB", tempLimit: "1MB", threads: 2 });
  const numbers = Array.from({ length: 20_000 }, (_, row) => ({ x: BigInt((row * 2_654_435_761_123) % 1e15) }));
  const batch = recordBatch(ONE_INTEGER, numbers);
  let begin = (): void => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  let goOn = (): void => undefined;
  const gate = new Promise<void>((resolve) => (goOn = resolve));
  const slow = single({
    schema: () => Promise.resolve(ONE_INTEGER),
    async *scan() {
      yield batch;
      begin();
      await gate;
      yield batch;
    },
  });
  const quick = single({
    schema: () => Promise.resolve(ONE_INTEGER),
    async *scan() {
      for (let sent = 0; sent < 50; sent += 1) yield batch;
    },
  });
  await opened(engine, { slow, quick }, async () => {
    const read = allRows(engine, plain("select count(*) as n from slow"));
    await begun;
    try {
      for (let time = 0; time < 12; time += 1) {
        expect(await allRows(engine, plain("select count(*) as n from quick"))).toEqual([{ n: 1_000_000n }]);
      }
    } finally {
      goOn();
    }
    expect(await read).toEqual([{ n: 40_000n }]);
  });
});
