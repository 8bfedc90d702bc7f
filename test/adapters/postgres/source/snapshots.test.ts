import { afterAll, beforeAll, expect, it } from "vitest";
import type { ConnectionSnapshot } from "../../../../src/ports/connection.js";
import { describePostgres } from "../../../support/describe-postgres.js";
import { startPostgres, type PostgresServer } from "../../../support/postgres-server.js";
import { reader } from "../destination/loads.js";
import { NEVER_ABORTED, readOnly } from "./reads.js";

describePostgres("a moment of Postgres", () => {
  let server: PostgresServer;
  let url: string;
  let tables = 0;
  beforeAll(async () => {
    server = await startPostgres({ fsync: false });
    url = await server.createDatabase();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  async function twoTables(own: Awaited<ReturnType<typeof reader>>): Promise<readonly [string, string]> {
    const names = [`t${(tables += 1)}`, `t${(tables += 1)}`] as const;
    for (const name of names) await own.client.query(`create table ${name} as select 1 as n`);
    return names;
  }

  async function read(snapshot: ConnectionSnapshot, table: string): Promise<number[]> {
    const found: number[] = [];
    for await (const batch of snapshot.scan(table, { columns: ["n"], signal: NEVER_ABORTED })) {
      for (const row of batch) found.push(row["n"] as number);
    }
    return found;
  }

  it("shows all tables as they were, whatever is committed meanwhile", async () => {
    await using own = await reader(url);
    const [first, second] = await twoTables(own);
    await using crm = readOnly(url);
    const snapshot = await crm.snapshot!(NEVER_ABORTED);
    await own.client.query(`begin; update ${first} set n = 2; update ${second} set n = 2; commit`);
    expect(await read(snapshot, first)).toEqual([1]);
    await own.client.query(`begin; insert into ${first} values (3); delete from ${second}; commit`);
    expect(await read(snapshot, second)).toEqual([1]);
    expect(await read(snapshot, first)).toEqual([1]);
    await snapshot.close();
    await snapshot.close();

    const later = await crm.snapshot!(NEVER_ABORTED);
    expect([await read(later, first), await read(later, second)]).toEqual([[2, 3], []]);
    await later.close();
  });

  it.each([
    ["TRUNCATE", (table: string) => `truncate ${table}`],
    ["a rewrite", (table: string) => `alter table ${table} add column more float default random()`],
  ])("does not take %s of a table for an empty one", async (_, change) => {
    await using own = await reader(url);
    const [first, second] = await twoTables(own);
    const [base] = await twoTables(own);
    await own.client.query(`
      create table parted (n integer, key integer) partition by list (key);
      create table part partition of parted default; insert into parted values (1);
      create table parent (n integer); create table child () inherits (parent); insert into child values (1);
      create view inner_view as select n + 0 as n from ${base}; create view outer_view as select n from inner_view`);
    await using crm = readOnly(url);
    for (const [table, changed] of [
      [second, second],
      ["parted", "parted"],
      ["parent", "child"],
      ["outer_view", base],
    ] as const) {
      const snapshot = await crm.snapshot!(NEVER_ABORTED);
      expect(await read(snapshot, first)).toEqual([1]);
      await own.client.query(change(changed));
      await expect(read(snapshot, table)).rejects.toMatchObject({ code: "query_failed", retryable: true, table });
      await snapshot.close();
    }
    await own.client.query("drop table parted, child, parent; drop view outer_view, inner_view");
  });

  it.each([
    "detach partition part",
    "detach partition part; delete from part",
    "attach partition apart for values in (2)",
  ])("does not take a table for another after %s", async (change) => {
    await using own = await reader(url);
    const [first] = await twoTables(own);
    await own.client.query(`
        create table parted (n integer, key integer) partition by list (key); create table apart (n integer, key integer);
        create table part partition of parted for values in (1); insert into parted values (1, 1);
        insert into apart values (2, 2); create view outside as select n from parted`);
    await using crm = readOnly(url);
    const snapshots = [await crm.snapshot!(NEVER_ABORTED), await crm.snapshot!(NEVER_ABORTED)] as const;
    for (const snapshot of snapshots) expect(await read(snapshot, first)).toEqual([1]);
    await own.client.query(`alter table parted ${change}`);
    for (const [index, table] of ["parted", "outside"].entries()) {
      const snapshot = snapshots[index]!;
      await expect(read(snapshot, table)).rejects.toMatchObject({ code: "query_failed", retryable: true, table });
      await snapshot.close();
    }
    await own.client.query("drop table if exists parted, part, apart cascade");
  });

  it("takes no heed of a partition that was made since", async () => {
    await using own = await reader(url);
    const [first] = await twoTables(own);
    await own.client.query(`create table parted (n integer) partition by list (n);
      create table part partition of parted for values in (1); insert into parted values (1)`);
    await using crm = readOnly(url);
    const snapshot = await crm.snapshot!(NEVER_ABORTED);
    expect(await read(snapshot, first)).toEqual([1]);
    await own.client.query("create table later partition of parted for values in (2); insert into parted values (2)");
    expect(await read(snapshot, "parted")).toEqual([1]);
    await snapshot.close();
    await own.client.query("drop table parted");
  });

  it("is over when a scan in it was left or failed", async () => {
    await using own = await reader(url);
    const [first, second] = await twoTables(own);
    await own.client.query(`insert into ${first} select generate_series(1, 200000)`);
    await using crm = readOnly(url);
    const left = await crm.snapshot!(NEVER_ABORTED);
    for await (const batch of left.scan(first, { columns: ["n"], signal: NEVER_ABORTED })) if (batch.numRows > 0) break;
    await expect(read(left, second)).rejects.toMatchObject({ code: "query_failed" });
    await left.close();

    const failed = await crm.snapshot!(NEVER_ABORTED);
    await expect(read(failed, "nowhere")).rejects.toMatchObject({ code: "query_failed", table: "nowhere" });
    expect(await read(failed, second)).toEqual([1]);
    await failed.close();
  });

  it("leaves the host's session as it was", async () => {
    await using own = await reader(url);
    const [first] = await twoTables(own);
    await using crm = readOnly(url);
    const snapshot = await crm.snapshot!(NEVER_ABORTED);
    const open =
      "select count(*) from pg_stat_activity where application_name = 'millrace' and datname = current_database() and xact_start is not null";
    expect(await own.values(open)).toEqual(["1"]);
    await read(snapshot, first);
    await snapshot.close();
    expect(await own.values(open)).toEqual(["0"]);
  });
});
