import { expect, it } from "vitest";
import { DuckDBEngine } from "../../../src/adapters/duckdb/entry.js";
import { memory } from "../../../src/adapters/memory/memory-connection.js";
import { MemoryJobStore } from "../../../src/adapters/memory/memory-job-store.js";
import { JobExecutor } from "../../../src/executor/job-executor.js";
import { defineJob } from "../../../src/jobs/define-job.js";
import { strict } from "../../../src/testing/engine/strict-connection.js";
import { fixture } from "../../../src/testing/fixture-connection.js";

it("a preview shows what crosses the wire of each table, and reads no more for its sample", async () => {
  const orders = Array.from({ length: 100 }, (_, id) => ({
    id,
    customer: `c${id % 3}`,
    note: "long",
    token: "s3cret",
  }));
  const schema = await fixture({ orders }).source!("orders")!.schema(new AbortController().signal);
  const crm = strict({ orders: { schema: schema!, rows: orders.map((row) => ({ ...row, id: BigInt(row.id) })) } });
  const [kept, out] = [fixture({ names: [{ id: "c1", name: "Ada" }] }), memory()];
  const open = defineJob({
    name: "open",
    query: "select o.id, o.customer from crm.orders o where o.id >= {least}",
    params: { least: "BIGINT" },
    destination: { table: "out.open" },
  });
  const named = defineJob({
    name: "named",
    query: `select n.name, count(*) as n from crm.orders o join kept.names n on n.id = o.customer
            where o.token = {token} and n.id <> {token} group by n.name`,
    params: { token: { type: "VARCHAR", secret: true } },
    destination: { table: "out.named" },
  });
  const read = defineJob({ name: "read", query: "select id from out.open", destination: { table: "out.copy" } });
  const executor = new JobExecutor({
    engine: new DuckDBEngine({ threads: 1 }),
    store: new MemoryJobStore(),
    connections: { crm, kept, out },
    jobs: [open, named, read],
  });
  await executor.start();
  try {
    const { scans, rows } = (await executor.preview("open", { least: 5 }, { limit: 2 }))._unsafeUnwrap();
    const least = { type: { kind: "integer", bits: 64, signed: true }, value: 5 };
    const filters = [{ kind: "compare", column: "id", operator: ">=", value: least }];
    const columns = ["id", "customer"];
    expect(scans).toEqual([{ table: "crm.orders", columns, filters, asked: "reads id, customer" }]);
    expect(rows).toHaveLength(2);
    expect(crm.asked).toEqual([{ table: "orders", columns, filters, limit: 2 }]);

    const secret = (await executor.preview("named", { token: "s3cret" }))._unsafeUnwrap();
    expect(secret.scans).toMatchObject([
      { table: "crm.orders", columns: ["customer", "token"] },
      { table: "kept.names", columns: ["id", "name"] },
    ]);
    expect(secret.rows).toEqual([{ name: "Ada", n: 33n }]);
    expect(
      JSON.stringify(secret, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value)),
    ).not.toContain("s3cret");

    await (await executor.submitOrThrow("open", { least: 98 })).result();
    expect(await out.rows("open")).toEqual([98n, 99n].map((id) => ({ id, customer: `c${Number(id) % 3}` })));
    const { scans: own } = (await executor.preview("read", {}))._unsafeUnwrap();
    expect(own).toEqual([{ table: "out.open", columns: ["id"] }]);
  } finally {
    await executor.stop();
  }
});
