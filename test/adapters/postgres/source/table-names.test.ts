import { afterAll, beforeAll, expect, it } from "vitest";
import { describePostgres } from "../../../support/describe-postgres.js";
import { startPostgres, type PostgresServer } from "../../../support/postgres-server.js";
import { reader } from "../destination/loads.js";
import { NEVER_ABORTED, query, readOnly, values } from "./reads.js";

describePostgres("the names of Postgres' tables", () => {
  let server: PostgresServer;
  let url: string;
  beforeAll(async () => {
    server = await startPostgres({ fsync: false });
    url = await server.createDatabase();
    await using own = await reader(url);
    await own.client.query(`
      create schema s; create schema "d.d"; create schema "S p";
      create table s.o as select 'o of s' as is; create table "s.o" as select 's.o' as is;
      create table s."a.b" as select 'a.b of s' as is; create table "d.d".o as select 'o of d.d' as is;
      create table "S p"."Two ""words""" as select 'spaced' as is;
      create table o as select 'o' as is; create table hidden (a int);
      create view seen as select * from o; create materialized view kept as select * from o;
      create table parted (is_ text) partition by list (is_); create table part partition of parted default;
      create table _millrace_commits (a int); create table _millrace_state (a int); create table half (a int, b int);
      create user someone password 'some-one'; grant usage on schema s to someone;
      grant select on s.o, seen to someone; grant select (a) on half to someone`);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it("mean what was written where they have a dot, or are refused", async () => {
    await using crm = readOnly(url);
    expect(await query(crm, "from crm.s.o")).toEqual([{ is: "o of s" }]);
    expect(await query(crm, 'from crm.public."s.o"')).toEqual([{ is: "s.o" }]);
    expect(await query(crm, 'from crm.s."a.b"')).toEqual([{ is: "a.b of s" }]);
    await expect(query(crm, 'from crm."s.o"')).rejects.toMatchObject({
      code: "unsupported_query",
      hint: 'Name the schema of the table "s.o", as in "crm".<schema>."s.o".',
    });
    await expect(query(crm, 'from crm."d.d".o')).rejects.toMatchObject({ code: "unsupported_query" });
  });

  it("are listed as they are read: with their schema where the search path finds another, or none", async () => {
    await using crm = readOnly(url);
    const tables = await crm.listTables!(NEVER_ABORTED);
    expect([...tables].sort((left, right) => (left.name < right.name ? -1 : 1))).toEqual([
      { name: 'S p.Two "words"', kind: "table" },
      { name: "half", kind: "table" },
      { name: "hidden", kind: "table" },
      { name: "kept", kind: "view" },
      { name: "o", kind: "table" },
      { name: "parted", kind: "table" },
      { name: "public.s.o", kind: "table" },
      { name: "s.a.b", kind: "table" },
      { name: "s.o", kind: "table" },
      { name: "seen", kind: "view" },
    ]);
    const read = await Promise.all(
      ["public.s.o", "s.o", "s.a.b", 'S p.Two "words"'].map((name) => values(crm, name, { columns: ["is"] })),
    );
    expect(read.flat()).toEqual(["s.o", "o of s", "a.b of s", "spaced"]);
  });

  it("come without the schema that the connection was opened with", async () => {
    await using crm = readOnly(url, { schema: "s" });
    const names = (await crm.listTables!(NEVER_ABORTED)).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["o", "s.a.b", "public.o", "public.s.o"]));
    expect(await values(crm, "o", { columns: ["is"] })).toEqual(["o of s"]);
  });

  it("are listed for who may read them, be it a column", async () => {
    const someone = Object.assign(new URL(url), { username: "someone", password: "some-one" }).href;
    await using crm = readOnly(someone);
    const names = (await crm.listTables!(NEVER_ABORTED)).map(({ name }) => name);
    expect(names).toEqual(["half", "seen", "s.o"]);
    expect(await values(crm, "half", { columns: ["a"] })).toEqual([]);
  });
});
