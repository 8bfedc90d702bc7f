import { DuckDBInstance } from "@duckdb/node-api";
import { expect, it } from "vitest";
import { HIDE_THE_CLOCK } from "../../../src/adapters/duckdb/pushdown/clock-functions.js";

/** Of one value within a query, which is the same in every instance of this adapter; the last no query may call. */
const WITHOUT_A_CLOCK = ["current_database", "current_schema", "current_schemas", "in_search_path", "txid_current"];

/** Runs `act` with the rows that a statement of the installed DuckDB gives. */
async function withDuckDB(act: (rows: (sql: string) => Promise<unknown[][]>) => Promise<void>): Promise<void> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  try {
    await act(async (sql) => (await connection.runAndReadAll(sql)).getRows());
  } finally {
    connection.disconnectSync();
    instance.closeSync();
  }
}

const hidden = [...HIDE_THE_CLOCK.matchAll(/create macro (\w+)\(/g)].map(([, name]) => name);

it("every function whose value changes from query to query is hidden, or has no clock in it", () =>
  withDuckDB(async (rows) => {
    const found = await rows(
      "select distinct function_name from duckdb_functions() where stability = 'CONSISTENT_WITHIN_QUERY'",
    );
    const unstable = found.map(([name]) => name).filter((name) => !WITHOUT_A_CLOCK.includes(String(name)));
    expect(unstable.length).toBeGreaterThan(5);
    for (const name of unstable) expect(hidden).toContain(name);
  }));

it("no other function that takes nothing tells the time, whatever DuckDB says of it", () =>
  withDuckDB(async (rows) => {
    await rows("set TimeZone = 'UTC'");
    const found = await rows(
      `select distinct function_name from duckdb_functions()
       where function_type in ('scalar', 'macro') and len(parameters) = 0 and coalesce(stability, '') <> 'VOLATILE'`,
    );
    // What is written in SQL calls the functions that are hidden.
    const others = found.map(([name]) => String(name)).filter((name) => !/^(pg_|ago$)/.test(name));
    for (const name of others) {
      if (hidden.includes(name) || WITHOUT_A_CLOCK.includes(name)) continue;
      const value = (): Promise<unknown> => rows(`select "${name}"()::varchar`).catch(() => "it cannot be called so");
      const before = await value();
      await rows("select count(*) from range(1000000)");
      expect(await value(), name).toEqual(before);
    }
  }));

it("what stands in its place has the same type, and is not computed by the planner", () =>
  withDuckDB(async (rows) => {
    await rows("set TimeZone = 'UTC'");
    const calls = hidden.filter((name) => name !== "age").map((name) => `${name}()`);
    calls.push("age(timestamp '2001-01-01')", "age(timestamp '2001-01-02', timestamp '2001-01-01')");
    const types = async (): Promise<unknown[]> =>
      Promise.all(calls.map(async (call) => (await rows(`select typeof(${call})`).catch(() => [["none"]]))[0]?.[0]));
    const before = await types();
    await rows(HIDE_THE_CLOCK);
    expect(await types()).toEqual(before);
    await rows("create table t (x varchar)");
    for (const call of [...calls.slice(0, -1), "ago(interval 1 day)", "localtimestamp", "localtime", "current_time"]) {
      const sql = `select 1 from t where x = cast(${call} as varchar)`.replaceAll("'", "''");
      const [[plan]] = (await rows(`select json_serialize_plan('${sql}', optimize := true)::varchar`)) as [[string]];
      expect(plan, call).toContain('"error":false');
      expect(plan, call).toContain('"name":"random"');
    }
  }));
