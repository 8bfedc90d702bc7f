import { DuckDBInstance } from "@duckdb/node-api";
import { arrowRows } from "./round-trip.js";
import { batchRows, columnValues } from "../../../../src/model/batch-values.js";
const c = await (await DuckDBInstance.create(":memory:")).connect();
await c.run("set timezone='UTC'");
const r = await arrowRows(c, "select * exclude(geometry) from test_all_types()");
for (const b of r.batches) console.dir(batchRows(b, r.table)[1], { depth: 5 });
await c.run(
  `create table six as select i::bigint id, (i*7919%100000)::int n, 'customer name ' || (i % 99991) as s, 'k' || (i%100) as short, random() as d, timestamp '2020-01-01' + interval (i) second as t, (i/7)::decimal(18,2) as dec, date '2020-01-01' + (i%1000)::int as dt from range(500000) t(i)`,
);
for (const col of ["*", "id", "n", "s", "short", "d", "t", "dec", "dt"]) {
  const rows = await arrowRows(c, `select ${col} from six`);
  for (let k = 0; k < 2; k++) {
    const t0 = performance.now();
    let n = 0;
    for (const b of rows.batches) n += batchRows(b, rows.table).length;
    const ms = performance.now() - t0;
    if (k) console.log(col, (n / ms / 1000).toFixed(2), "M rows/s");
  }
}
const t0 = performance.now();
const reader = await c.runAndReadAll("from six");
const n = reader.getRowObjectsJS().length;
console.log("getRowObjectsJS", (n / (performance.now() - t0) / 1000).toFixed(2));
