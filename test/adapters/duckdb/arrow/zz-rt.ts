import { DuckDBInstance } from "@duckdb/node-api";
import { changedColumns } from "./round-trip.js";
const c = await (await DuckDBInstance.create(":memory:")).connect();
const run = async (sql: string, o?: any) => {
  try {
    console.log(sql.slice(0, 90), JSON.stringify(o ?? {}), await changedColumns(c, sql, o));
  } catch (e: any) {
    console.log(sql.slice(0, 90), "ERR", e.message, e.stack);
  }
};
await run("select * from test_all_types()");
await run("select * exclude (geometry) from test_all_types()");
await run("select * exclude (geometry) from test_all_types(use_large_enum := true)");
await run("select * exclude (geometry) from test_all_types() limit 0");
await run("select i, * exclude (geometry) from test_all_types(), range(5000) t(i)");
await run("select i, * exclude (geometry) from test_all_types(), range(5000) t(i)", {
  limits: { maxRows: 777, maxBytes: 100000 },
});
await run("select i, * exclude (geometry) from test_all_types(), range(5000) t(i)", {
  change: (b: any) => b.slice(3, b.numRows - 2).slice(0),
});
