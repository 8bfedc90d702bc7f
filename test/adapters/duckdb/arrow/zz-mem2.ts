import { DuckDBInstance } from "@duckdb/node-api";
import duckdb from "@duckdb/node-bindings";
const mode = process.argv[2]; const th=process.argv[3] ?? '2';
const inst = await DuckDBInstance.create(":memory:", {memory_limit: '512MB', threads: th});
const c = await inst.connect();
if (process.argv[4]) await c.run(`set streaming_buffer_size='${process.argv[4]}'`);
await c.run("create or replace table tt as select 1"); const r = await c.stream(process.env.SQL!);
let peak=0, rows=0; const t0=performance.now();
for(;;){ const ch=await r.fetchChunk(); if(!ch||ch.rowCount===0)break; rows+=ch.rowCount; peak=Math.max(peak, process.memoryUsage().rss);
 if (mode==='reset') duckdb.data_chunk_reset(ch.chunk); if (mode==='gc') (globalThis as any).gc();  if (mode==='gcreset') {duckdb.data_chunk_reset(ch.chunk); (globalThis as any).gc()}}
console.log(mode, th, process.argv[4], rows, peak/1e6|0, (performance.now()-t0|0));
