import { DuckDBInstance } from "@duckdb/node-api";
import { BatchBuilder } from "/work/main/src/adapters/duckdb/arrow/batch-builder.js";
import { dataTypeOfDuckDB } from "/work/main/src/adapters/duckdb/arrow/duckdb-data-type.js";
const inst = await DuckDBInstance.create(":memory:");
const c = await inst.connect();
const flights = "/work/main/node_modules/vega-datasets/data/flights-3m.parquet";
await c.run(`create table flights as from '${flights}'`);
await c.run(
  `create table six as select i::bigint id, (i*7919%100000)::int n, 'customer name ' || (i % 99991) as s, 'k' || (i%100) as short, random() as d, timestamp '2020-01-01' + interval (i) second as t from range(5000000) t(i)`,
);
await c.run(
  `create table wide as select ` +
    Array.from({ length: 20 }, (_, k) =>
      k % 4 === 0
        ? `(i*${k + 1})::decimal(18,2) as c${k}`
        : k % 4 === 1
          ? `case when i%${k + 3}=0 then null else i::int end as c${k}`
          : k % 4 === 2
            ? `(i%2=0) as c${k}`
            : `(i::double/3) as c${k}`,
    ).join(",") +
    ` from range(2000000) t(i)`,
);
async function stream(sql: string, f?: (b: any) => void, limits?: any) {
  const r = await c.stream(sql);
  const names = r.columnNames();
  const schema = {
    columns: r.columnTypes().map((t, i) => ({ name: names[i]!, type: dataTypeOfDuckDB(t), nullable: true })),
  };
  const t0 = performance.now();
  let rows = 0,
    maxStall = 0,
    conv = 0,
    batches = 0;
  const b = new BatchBuilder(schema, limits);
  let next = r.fetchChunk();
  for (;;) {
    const chunk = await next;
    if (!chunk || chunk.rowCount === 0) break;
    next = r.fetchChunk();
    const s = performance.now();
    for (const batch of b.add(chunk)) {
      rows += batch.numRows;
      batches++;
    }
    const e = performance.now() - s;
    conv += e;
    if (e > maxStall) maxStall = e;
  }
  const last = b.finish();
  if (last) rows += last.numRows;
  const ms = performance.now() - t0;
  return {
    mrows: +(rows / ms / 1000).toFixed(2),
    ms: +ms.toFixed(0),
    conv: +conv.toFixed(0),
    maxStall: +maxStall.toFixed(2),
    batches,
  };
}
async function fetchOnly(sql: string) {
  const r = await c.stream(sql);
  const t0 = performance.now();
  let rows = 0;
  for (;;) {
    const ch = await r.fetchChunk();
    if (!ch || ch.rowCount === 0) break;
    rows += ch.rowCount;
  }
  const ms = performance.now() - t0;
  return { mrows: +(rows / ms / 1000).toFixed(2) };
}
async function getRows(sql: string) {
  const r = await c.stream(sql);
  const t0 = performance.now();
  let rows = 0;
  for (;;) {
    const ch = await r.fetchChunk();
    if (!ch || ch.rowCount === 0) break;
    rows += ch.getRows().length;
  }
  const ms = performance.now() - t0;
  return { mrows: +(rows / ms / 1000).toFixed(2) };
}
for (const [name, sql] of [
  ["flights", `select * from flights`],
  ["flights parquet", `from '${flights}'`],
  ["six", "from six"],
  ["wide", "from wide"],
  ["rep parquet strings", `select 'a long string value ' || (i%10) s, i from range(3000000) t(i)`],
] as const) {
  for (let k = 0; k < 2; k++) await stream(sql);
  console.log(name, "fetch", await fetchOnly(sql), "rows", process.env.ROWS ? await getRows(sql) : "");
  for (const maxRows of (process.env.SIZES ?? "2048,8192,16384,65536").split(",").map(Number))
    console.log("   ", maxRows, JSON.stringify(await stream(sql, undefined, { maxRows, maxBytes: 64 * 1024 * 1024 })));
}
console.log("rss", (process.memoryUsage().rss / 1e6) | 0);
