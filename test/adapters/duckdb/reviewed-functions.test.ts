import { DuckDBInstance } from "@duckdb/node-api";
import { expect, it } from "vitest";
import { ALLOWED_TABLE_FUNCTIONS, DENIED_FUNCTIONS } from "../../../src/adapters/duckdb/denied-functions.js";

it("every function of the installed DuckDB was looked at", async () => {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const reader = await connection.runAndReadAll(`
    select distinct function_name as name, case when function_type like 'table%' then 'table' else 'value' end as kind
    from duckdb_functions() where function_type <> 'pragma' order by kind, name`);
  connection.closeSync();
  instance.closeSync();
  const shown = reader.getRowsJS().map(([name, kind]) => {
    const called = name as string;
    const allowed = kind === "table" ? ALLOWED_TABLE_FUNCTIONS.has(called) : !DENIED_FUNCTIONS.has(called);
    return `${kind === "table" ? "from " : ""}${called}: ${allowed ? "allowed" : "denied"}`;
  });
  // A new line here is a decision: does the function reach beyond its own values?
  await expect(`${shown.join("\n")}\n`).toMatchFileSnapshot("duckdb-functions.txt");
});
