import { describe, expect, it } from "vitest";
import { DuckDBEngine } from "../../src/adapters/duckdb/entry.js";
import { memory } from "../../src/adapters/memory/memory-connection.js";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { JobExecutor } from "../../src/executor/job-executor.js";
import { defineJob } from "../../src/jobs/define-job.js";
import { batchRows } from "../../src/model/batch-values.js";
import { formatDataType } from "../../src/model/data-type.js";
import { fixture, type FixtureTable } from "../../src/testing/fixture-connection.js";

const NEVER_ABORTED = new AbortController().signal;

async function columnsOf(table: FixtureTable): Promise<Record<string, string>> {
  const schema = await fixture({ t: table }).source!("t")!.schema(NEVER_ABORTED);
  return Object.fromEntries((schema?.columns ?? []).map(({ name, type }) => [name, formatDataType(type)]));
}

describe("fixture()", () => {
  it("reads the columns' types from the rows", async () => {
    const at = new Date();
    expect(
      await columnsOf([
        { whole: 1, big: 2n, part: null, text: "a", yes: true, bytes: new Uint8Array(), at },
        { whole: 2 ** 40, part: 1, late: "x" },
        { part: 1.5 },
      ]),
    ).toEqual({
      whole: "BIGINT",
      big: "BIGINT",
      part: "DOUBLE",
      text: "VARCHAR",
      yes: "BOOLEAN",
      bytes: "BLOB",
      at: "TIMESTAMP WITH TIME ZONE",
      late: "VARCHAR",
    });
  });

  it.each([
    ["several kinds", [{ a: 1 }, { a: "x" }], /holds both BIGINT and VARCHAR/],
    ["nothing but nulls", [{ a: null }, {}], /nothing but nulls/],
  ] as const)("refuses a column of %s by its name", (_what, rows, message) => {
    expect(() => fixture({ orders: rows })).toThrow(
      expect.objectContaining({ code: "invalid_definition", table: "orders", columns: ["a"] }) as Error,
    );
    expect(() => fixture({ orders: rows })).toThrow(message);
  });

  it("gives many rows in more than one batch, exactly", async () => {
    const rows = Array.from({ length: 3_000 }, (_, id) => ({ id, name: id % 7 === 0 ? null : `n ${id}` }));
    const source = fixture({ t: rows }).source!("t")!;
    const schema = await source.schema(NEVER_ABORTED);
    const batches = [];
    for await (const batch of source.scan!({ columns: ["id", "name"], signal: NEVER_ABORTED })) batches.push(batch);
    expect(batches.length).toBeGreaterThan(1);
    expect(batches.flatMap((batch) => batchRows(batch, schema!))).toEqual(
      rows.map(({ id, name }) => ({ id: BigInt(id), name })),
    );
  });

  it("stands in for any connection of a job", async () => {
    const out = memory();
    const job = defineJob({
      name: "totals",
      query:
        "select c.name, sum(o.amount) as total from shop.orders o join shop.customers c on c.id = o.customer group by all order by all",
      destination: { table: "out.totals" },
    });
    const shop = fixture({
      orders: [
        { customer: 1, amount: 2.5 },
        { customer: 1, amount: 4 },
        { customer: 2, amount: 1 },
      ],
      customers: [
        { id: 1, name: "Ann" },
        { id: 2, name: "Bo" },
      ],
    });
    const executor = new JobExecutor({
      engine: new DuckDBEngine({ threads: 1 }),
      store: new MemoryJobStore(),
      connections: { shop, out },
      jobs: [job],
    });
    await executor.start();
    const end = await (await executor.submitOrThrow("totals", {})).result();
    await executor.stop();
    expect(end.status).toBe("succeeded");
    expect(await out.rows("totals")).toEqual([
      { name: "Ann", total: 6.5 },
      { name: "Bo", total: 1 },
    ]);
  });
});
