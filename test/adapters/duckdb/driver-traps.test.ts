import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

/**
 * What the installed driver does by itself. Each of these is why a part of the adapter exists: when one fails after an
 * upgrade, the trap is gone and the part may go, too.
 */
describe("the DuckDB driver by itself", () => {
  let instance: DuckDBInstance;
  let connection: DuckDBConnection;

  beforeEach(async () => {
    instance = await DuckDBInstance.create(":memory:");
    connection = await instance.connect();
  });

  afterEach(() => {
    connection.closeSync();
    instance.closeSync();
  });

  const FAILS = "select case when i = 3000000 then error('row') else i end as n from range(5000000) as r(i)";

  async function drained(sql: string, onChunk?: () => void): Promise<number> {
    const result = await connection.stream(sql);
    let rows = 0;
    for (
      let chunk = await result.fetchChunk();
      chunk !== null && chunk.rowCount > 0;
      chunk = await result.fetchChunk()
    ) {
      rows += chunk.rowCount;
      onChunk?.();
    }
    return rows;
  }

  it("ends a failing stream like a complete one", async () => {
    const rows = await drained(FAILS);
    expect(rows).toBeGreaterThan(0);
    expect(rows).toBeLessThan(3_000_001);
  });

  it("ends an interrupted stream like a complete one", async () => {
    expect(await drained("from range(50000000)", () => connection.interrupt())).toBeLessThan(50_000_000);
  });

  it("ends a stream when another statement starts on its connection", async () => {
    const result = await connection.stream("from range(5000000)");
    await connection.run("select 1");
    const chunk = await result.fetchChunk();
    expect(chunk?.rowCount ?? 0).toBe(0);
  });

  it("refuses the next statement only in a transaction of this kind", async () => {
    await connection.run("begin; set current_transaction_invalidation_policy = 'ALL_ERRORS_INVALIDATE_TRANSACTION'");
    await drained(FAILS);
    await expect(connection.run("select 1")).rejects.toThrow(/aborted/);
    await connection.run("rollback");
  });

  it("resolves the commit of such a transaction", async () => {
    await connection.run("begin; set current_transaction_invalidation_policy = 'ALL_ERRORS_INVALIDATE_TRANSACTION'");
    await drained(FAILS);
    await expect(connection.run("commit")).resolves.toBeDefined();
  });

  it("cuts the text of a query at a NUL", async () => {
    const reader = await connection.runAndReadAll("select 1 as x\0; this is not SQL");
    expect(reader.getRowsJS()).toEqual([[1]]);
  });

  it("ignores max_temp_directory_size as an option of the instance", async () => {
    const other = await DuckDBInstance.create(":memory:", { max_temp_directory_size: "1MB", memory_limit: "20MB" });
    const limited = await other.connect();
    await limited.run("create table t as select i, md5(i::varchar) as s from range(1000000) as r(i)");
    limited.closeSync();
    other.closeSync();
  });

  it("infers a list of nulls from [null, 1]", async () => {
    const reader = await connection.runAndReadAll("select $1 as x", [{ items: [null, 1] }]).catch(() => undefined);
    const { listValue } = await import("@duckdb/node-api");
    const wrong = await connection.runAndReadAll("select $1 as x", [listValue([null, 1])]);
    expect(reader).toBeUndefined();
    expect(wrong.getRowsJson()).toEqual([[[null, null]]]);
  });

  it("rounds 1.5 into an integer, and cuts an offset from a timestamp", async () => {
    const reader = await connection.runAndReadAll(
      "select '1.5'::bigint as i, ('2020-01-01 10:00:00+02'::timestamp)::varchar as t, '2020-01-01 10:00:00'::date::varchar as d",
    );
    expect(reader.getRowsJson()).toEqual([["2", "2020-01-01 10:00:00", "2020-01-01"]]);
  });
});
