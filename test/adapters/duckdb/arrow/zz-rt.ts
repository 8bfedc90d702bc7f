import { DuckDBInstance } from "@duckdb/node-api";
import { changedColumns, arrowRows } from "./round-trip.js";
import { batchRows } from "../../../../src/model/batch-values.js";
const c = await (await DuckDBInstance.create(":memory:")).connect();
for (let k = 0; k < 15; k++)
  for (const size of [1, 255, 256, 65535, 65536]) {
    await c.run(`create or replace type sized as enum (select 'value ' || i from range(${size}) t(i))`);
    const sql = `select ('value ' || (i * 7919 % ${size}))::sized as e, if(i % 3 = 0, e, null) as n from range(5000) t(i)`;
    const ch = await changedColumns(c, sql);
    if (ch.length === 0) continue;
    console.log(k, size, ch);
    const r = await arrowRows(c, sql);
    const rows = r.batches.flatMap((b) => batchRows(b, r.table));
    console.log(
      (
        await c.runAndReadAll(
          `select s.e::varchar, r.e::varchar, s.rowid, s.n, r.n, typeof(s.e)=typeof(r.e) from sent s positional join returned r where s.e is distinct from r.e limit 5`,
        )
      ).getRowsJson(),
    );
    console.log(
      (
        await c.runAndReadAll(
          `select count(*), min(s.rowid), max(s.rowid) from sent s positional join returned r where s.e is distinct from r.e limit 5`,
        )
      ).getRowsJson(),
    );
    console.log(
      (await c.runAndReadAll(`select e from sent limit 5`)).getRowsJson(),
      rows.slice(0, 5),
      (await c.runAndReadAll(`select e from returned limit 5`)).getRowsJson(),
    );
  }
