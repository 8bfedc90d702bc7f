import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { Connection, ConnectionSnapshot } from "../../../../src/ports/connection.js";
import { describePostgres } from "../../../support/describe-postgres.js";
import { startPostgres, type PostgresServer } from "../../../support/postgres-server.js";
import { reader } from "../destination/loads.js";
import { NEVER_ABORTED, readOnly } from "./reads.js";

type Session = Awaited<ReturnType<typeof reader>>;

describePostgres("a moment of Postgres", () => {
  let server: PostgresServer;
  let url: string;
  let tables = 0;
  beforeAll(async () => {
    server = await startPostgres({ fsync: false });
  });
  beforeEach(async () => {
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
    const snapshot = await crm.snapshot!([first, second], NEVER_ABORTED);
    await own.client.query(`begin; update ${first} set n = 2; update ${second} set n = 2; commit`);
    expect(await read(snapshot, first)).toEqual([1]);
    await own.client.query(`begin; insert into ${first} values (3); delete from ${second}; commit`);
    expect(await read(snapshot, second)).toEqual([1]);
    expect(await read(snapshot, first)).toEqual([1]);
    await snapshot.close();
    await snapshot.close();

    const later = await crm.snapshot!([first, second], NEVER_ABORTED);
    expect([await read(later, first), await read(later, second)]).toEqual([[2, 3], []]);
    await later.close();
  });

  /** Tables of every kind, and what they are read with. */
  const MANY = `
    create table plain as select 1 as n;
    create table parted (n integer, key integer) partition by list (key);
    create table part partition of parted for values in (1); insert into parted values (1, 1);
    create table apart (n integer, key integer); insert into apart values (2, 2);
    create table parent (n integer, other integer); create table child () inherits (parent); insert into child values (1);
    create table stranger (n integer, other integer); insert into stranger values (2);
    create table base as select 1 as n; create table renamed as select 2 as n;
    create view inner_view as select n + 0 as n from base; create view outer_view as select n from inner_view;
    create materialized view kept as select n from base;
    create function told() returns setof integer language plpgsql stable as 'begin return query select n from base; end';
    create view telling as select told as n from told()`;
  const TABLES = ["plain", "parted", "parent", "outer_view", "kept", "telling"];

  /** A snapshot whose moment has come, but not its turn to touch these tables, when the statements are run. */
  async function heldUp(
    crm: Connection,
    blocker: Session,
    own: Session,
    names: readonly string[],
    statements: readonly string[],
  ): Promise<ConnectionSnapshot> {
    await own.client.query("create table gate ()");
    await blocker.client.query("begin; lock table gate");
    const opening = crm.snapshot!(["gate", ...names], NEVER_ABORTED);
    while ((await own.values("select count(*) from pg_locks where not granted"))[0] === "0");
    for (const statement of statements) await own.client.query(statement);
    await blocker.client.query("commit");
    return opening;
  }

  it.each([
    ["plain", "truncate plain"],
    ["plain", "alter table plain add column more float default random()"],
    ["plain", "alter table plain drop column n; alter table plain add column n integer"],
    ["plain", "alter table plain rename to gone; alter table renamed rename to plain; drop table gone"],
    ["parted", "truncate part"],
    ["parted", "alter table parted detach partition part"],
    ["parted", "alter table parted detach partition part; delete from part"],
    ["parted", "drop table part"],
    ["parted", "alter table parted attach partition apart for values in (2)"],
    ["parent", "alter table child rename to grown; truncate grown; alter table grown rename to child"],
    ["parent", "alter table child no inherit parent"],
    ["parent", "drop table child"],
    ["parent", "alter table stranger inherit parent"],
    ["outer_view", "truncate base"],
    ["outer_view", "create or replace view outer_view as select 2 as n"],
    ["outer_view", "create or replace view inner_view as select 2 as n"],
    ["kept", "refresh materialized view kept"],
    ["telling", "truncate base"],
  ])("does not take %s for what it was at the moment after %s", async (table, change) => {
    await using own = await reader(url);
    await using blocker = await reader(url);
    await own.client.query(MANY);
    await using crm = readOnly(url);
    const snapshot = await heldUp(crm, blocker, own, TABLES, change.split("; "));
    const told = await read(snapshot, table).catch((error: unknown) => error);
    await snapshot.close();
    expect(told).toMatchObject({ code: "query_failed", retryable: true, table });
  });

  it.each([
    ["plain", "truncate plain"],
    ["plain", "alter table plain rename to gone"],
    ["parted", "truncate part"],
    ["parted", "alter table parted detach partition part"],
    ["parted", "drop table part"],
    ["parent", "alter table child no inherit parent"],
    ["outer_view", "truncate base"],
    ["outer_view", "create or replace view outer_view as select 2 as n"],
    ["outer_view", "create or replace view inner_view as select 2 as n"],
    ["kept", "refresh materialized view kept"],
  ])("lets nobody change what %s is read with until it is over: %s", async (table, change) => {
    await using own = await reader(url);
    await own.client.query(MANY);
    await using crm = readOnly(url);
    const snapshot = await crm.snapshot!(TABLES, NEVER_ABORTED);
    await own.client.query("set lock_timeout = 20");
    await expect(own.client.query(change)).rejects.toMatchObject({ code: "55P03" });
    expect(await read(snapshot, table)).toEqual([1]);
    await snapshot.close();
    await own.client.query(change);
  });

  it.each([
    ["parted", "alter table parted attach partition apart for values in (2)"],
    ["parent", "alter table stranger inherit parent"],
    ["telling", "truncate base"],
  ])("notices what nobody can keep from changing: %s, %s", async (table, change) => {
    await using own = await reader(url);
    await own.client.query(MANY);
    await using crm = readOnly(url);
    const snapshot = await crm.snapshot!([table], NEVER_ABORTED);
    await own.client.query(change);
    const told = await read(snapshot, table).catch((error: unknown) => error);
    await snapshot.close();
    expect(told).toMatchObject({ code: "query_failed", retryable: true, table });
  });

  it.each([
    "create table younger () inherits (parent); insert into younger values (2)",
    "analyze; create index on plain (n); comment on table plain is 'x'",
    "begin; alter table apart drop column n; create or replace view inner_view as select 2 as n; rollback",
    "grant select on plain, parted, parent to public",
  ])("takes no heed of what changes no rows: %s", async (change) => {
    await using own = await reader(url);
    await own.client.query(MANY);
    await using crm = readOnly(url);
    const others = TABLES.filter((table) => !change.startsWith("begin") || table !== "outer_view");
    const snapshot = await crm.snapshot!(others, NEVER_ABORTED);
    for (const statement of change.split("; ")) await own.client.query(statement);
    for (const table of others) expect(await read(snapshot, table)).toEqual([1]);
    await snapshot.close();
  });

  it("takes no heed of a partition that was made behind its moment", async () => {
    await using own = await reader(url);
    await using blocker = await reader(url);
    await own.client.query(MANY);
    await using crm = readOnly(url);
    const opening = await heldUp(
      crm,
      blocker,
      own,
      ["parted"],
      ["create table later partition of parted for values in (2)", "insert into parted values (2, 2)"],
    );
    const found = await read(opening, "parted").catch((error: unknown) => error);
    await opening.close();
    expect(found).toEqual([1]);
  });

  it("takes no heed of a change that was undone, however long ago", async () => {
    await using own = await reader(url);
    await using other = await reader(url);
    await own.client.query(MANY);
    await own.client.query("begin; alter table plain drop column n; drop view outer_view; rollback");
    await own.client.query("begin; select pg_current_xact_id()");
    await other.client.query("begin; alter table parent drop column n; drop table child; rollback");
    await using crm = readOnly(url);
    const snapshot = await crm.snapshot!(TABLES, NEVER_ABORTED);
    for (const table of TABLES) expect(await read(snapshot, table)).toEqual([1]);
    await snapshot.close();
    await own.client.query("rollback");
  });

  it.each([
    "begin; alter table plain drop column n; alter table parted detach partition part; rollback",
    "begin; create or replace view inner_view as select 2 as n; savepoint s; truncate base; rollback to s; rollback",
  ])("takes no heed of a change that was undone behind its moment: %s", async (change) => {
    await using own = await reader(url);
    await using blocker = await reader(url);
    await own.client.query(MANY);
    await using crm = readOnly(url);
    const snapshot = await heldUp(crm, blocker, own, TABLES, change.split("; "));
    for (const table of TABLES) expect(await read(snapshot, table)).toEqual([1]);
    await snapshot.close();
  });

  it.each([
    ["plain", "alter table plain drop column n; alter table plain add column n integer"],
    ["parted", "alter table parted detach partition part"],
    ["outer_view", "create or replace view outer_view as select 2 as n"],
  ])("does not take %s for what it was when a subtransaction was changing it: %s", async (table, change) => {
    await using own = await reader(url);
    await using changer = await reader(url);
    await own.client.query(MANY);
    await using crm = readOnly(url);
    await changer.client.query(`begin; select pg_current_xact_id(); savepoint s; ${change}; release s`);
    // Who has a later number is done at the moment.
    await own.client.query("select pg_current_xact_id()");
    const opening = crm.snapshot!([table], NEVER_ABORTED);
    while ((await own.values("select count(*) from pg_locks where not granted"))[0] === "0");
    await changer.client.query("commit");
    const snapshot = await opening;
    const told = await read(snapshot, table).catch((error: unknown) => error);
    await snapshot.close();
    expect(told).toMatchObject({ code: "query_failed", retryable: true, table });
  });

  it("is over when a scan in it was left or failed", async () => {
    await using own = await reader(url);
    const [first, second] = await twoTables(own);
    await own.client.query(`insert into ${first} select generate_series(1, 200000)`);
    await using crm = readOnly(url);
    const left = await crm.snapshot!([first, second], NEVER_ABORTED);
    for await (const batch of left.scan(first, { columns: ["n"], signal: NEVER_ABORTED })) if (batch.numRows > 0) break;
    await expect(read(left, second)).rejects.toMatchObject({ code: "query_failed" });
    await left.close();

    const failed = await crm.snapshot!(["nowhere", second], NEVER_ABORTED);
    await expect(read(failed, "nowhere")).rejects.toMatchObject({ code: "query_failed", table: "nowhere" });
    expect(await read(failed, second)).toEqual([1]);
    await failed.close();
  });

  it("leaves the host's session as it was", async () => {
    await using own = await reader(url);
    const [first] = await twoTables(own);
    await using crm = readOnly(url);
    const snapshot = await crm.snapshot!([first], NEVER_ABORTED);
    const open =
      "select count(*) from pg_stat_activity where application_name = 'millrace' and datname = current_database() and xact_start is not null";
    expect(await own.values(open)).toEqual(["1"]);
    await read(snapshot, first);
    await snapshot.close();
    expect(await own.values(open)).toEqual(["0"]);
  });
});
