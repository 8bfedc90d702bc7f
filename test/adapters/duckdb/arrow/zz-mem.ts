import { DuckDBInstance } from "@duckdb/node-api";
import duckdb from "@duckdb/node-bindings";
import { BatchBuilder } from "../../../../src/adapters/duckdb/arrow/batch-builder.js";
import { dataTypeOfDuckDB } from "../../../../src/adapters/duckdb/arrow/duckdb-data-type.js";
const reset = process.argv[2] === "reset";
const inst = await DuckDBInstance.create(":memory:", { memory_limit: "512MB" });
const c = await inst.connect();
async function stream(sql: string) {
  const r = await c.stream(sql);
  const names = r.columnNames();
  const schema = {
    columns: r.columnTypes().map((t, i) => ({ name: names[i]!, type: dataTypeOfDuckDB(t), nullable: true })),
  };
  const t0 = performance.now();
  let rows = 0,
    maxStall = 0,
    conv = 0,
    batches = 0,
    peak = 0;
  const b = new BatchBuilder(schema);
  let next = r.fetchChunk();
  for (;;) {
    const chunk = await next;
    if (!chunk || chunk.rowCount === 0) break;
    next = r.fetchChunk();
    let s = performance.now();
    for (const batch of b.add(chunk)) {
      rows += batch.numRows;
      batches++;
      const e = performance.now() - s;
      if (e > maxStall) maxStall = e;
      peak = Math.max(peak, process.memoryUsage().rss);
      await new Promise(setImmediate);
      s = performance.now();
    }
    if (reset) duckdb.data_chunk_reset(chunk.chunk);
  }
  const last = b.finish();
  if (last) rows += last.numRows;
  const ms = performance.now() - t0;
  return {
    mrows: +(rows / ms / 1000).toFixed(3),
    rows,
    ms: +ms.toFixed(0),
    maxStall: +maxStall.toFixed(2),
    batches,
    peak: (peak / 1e6) | 0,
  };
}
console.log("base", (process.memoryUsage().rss / 1e6) | 0);
console.log(await stream(`select i, 'x' || repeat(chr((65+i%26)::int), 50000) s from range(40000) t(i)`));
console.log(await stream(`select i, i*2 as j, 'customer number ' || i as s from range(10000000) t(i)`));
