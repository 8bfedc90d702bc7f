import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KeyedMode } from "../../../../src/model/write-mode.js";
import { mysql } from "../../../../src/adapters/mysql/mysql.js";
import { describeMysql } from "../../../support/describe-mysql.js";
import { type MariadbServer, startMariadb } from "../../../support/mariadb-server.js";
import { destinationOf, load, numbered, refusal, write } from "../../postgres/destination/loads.js";
import { reader, readWrite } from "./mysql-reader.js";

const NEVER_ABORTED = new AbortController().signal;

describeMysql("the modes of a MySQL destination", () => {
  let server: MariadbServer;
  let url: string;
  let tables = 0;
  const newTable = () => `t${(tables += 1)}`;
  beforeAll(async () => {
    server = await startMariadb({ fsync: false });
    url = await server.createDatabase();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  describe("an overwrite", () => {
    it("keeps views, grants, indexes and what points at the table, and shows readers the rows from before", async () => {
      const t = newTable();
      await using out = readWrite(url);
      await using own = await reader(url);
      await own.run(`create table ${t} (id bigint primary key, label text, index (label(10))); insert into ${t} values (1, 'old');
        create view v_${t} as select label from ${t}; create user u_${t}@'%'; grant select on ${t} to u_${t}@'%'`);
      await own.run("start transaction with consistent snapshot");
      const look = async () => expect(await own.values(`select label from v_${t}`)).toEqual(["old"]);
      const writing = write(destinationOf(out, t), [numbered(1, 3), look], {
        commitId: t,
        mode: { kind: "overwrite" },
        atPermit: look,
      });
      await writing;
      await look();
      await own.run("commit");
      expect(await own.values(`select label from v_${t} order by label`)).toEqual(["row 1", "row 2", "row 3"]);
      expect(await own.values(`select count(*) from information_schema.statistics where table_name = '${t}'`)).toEqual([
        "2",
      ]);
      expect(
        await own.values(`select privilege_type from information_schema.table_privileges where table_name = '${t}'`),
      ).toEqual(["SELECT"]);
    });

    it("by nothing empties the table", async () => {
      const t = newTable();
      await using out = readWrite(url);
      await using own = await reader(url);
      await own.run(`create table ${t} as select 1 as id`);
      expect(await load(out, { query: "select 1 as id where false", table: t, mode: "overwrite" })).toMatchObject({
        error: null,
        rowsWritten: 0,
      });
      expect(await own.values(`select count(*) from ${t}`)).toEqual(["0"]);
    });

    it("waits for another, and leaves the rows of one of them", async () => {
      const t = newTable();
      await using out = readWrite(url);
      await using own = await reader(url);
      await own.run(`create table ${t} (id bigint, label text)`);
      const overwrite = (first: number, atPermit?: () => Promise<void>) =>
        write(destinationOf(out, t), [numbered(first, 5)], {
          commitId: `${t}-${first}`,
          mode: { kind: "overwrite" },
          ...(atPermit && { atPermit }),
        });
      let second: Promise<unknown> = Promise.resolve();
      await overwrite(1, async () => {
        let isDone = false;
        second = overwrite(11).finally(() => (isDone = true));
        const waiting = "select 1 from information_schema.processlist where state = 'User lock'";
        while (!isDone && (await own.rows(waiting)).length === 0);
      });
      await second;
      expect(await own.values(`select min(id) from ${t}`)).toEqual(["11"]);
    });

    it.each(["cascade", "set null"])("is refused where a foreign key would follow it (%s)", async (rule) => {
      const [parent, child] = [newTable(), newTable()];
      await using out = readWrite(url);
      await using own = await reader(url);
      await own.run(`create table ${parent} (id bigint primary key); insert into ${parent} values (1);
        create table ${child} (parent bigint, foreign key (parent) references ${parent} (id) on delete ${rule});
        insert into ${child} values (1)`);
      const byKeys: KeyedMode = { kind: "deleteInsert", keys: ["id"] };
      for (const mode of ["overwrite", byKeys] as const) {
        const error = await refusal(out, { query: "select 1::bigint as id", table: parent, mode });
        expect(error).toMatchObject({ code: "unsupported_write_mode", mode: mode === byKeys ? byKeys.kind : mode });
        expect(error.message).toContain(child);
      }
      expect(await own.values(`select parent from ${child}`)).toEqual(["1"]);
    });

    it("is refused by the server where rows of another table would point at nothing", async () => {
      const [parent, child] = [newTable(), newTable()];
      await using out = readWrite(url);
      await using own = await reader(url);
      await own.run(`create table ${parent} (id bigint primary key); insert into ${parent} values (1);
        create table ${child} (parent bigint, foreign key (parent) references ${parent} (id)); insert into ${child} values (1)`);
      const error = await refusal(out, { query: "select 1::bigint as id", table: parent, mode: "overwrite" });
      expect(error).toMatchObject({ code: "destination_failed", retryable: false });
      expect(error.message).toContain("(1451)");
      expect(error.hint).toMatch(/upsert/i);
      const orphan = await refusal(out, { query: "select 7::bigint as parent", table: child });
      expect(orphan).toMatchObject({ code: "destination_failed", retryable: false });
      expect(orphan.message).toContain("(1452)");
      expect(await own.values(`select parent from ${child}`)).toEqual(["1"]);
    });
  });

  describe("an upsert", () => {
    it("by a unique index changes rows in place: those that point at them stay", async () => {
      const [parent, child] = [newTable(), newTable()];
      await using out = readWrite(url);
      await using own = await reader(url);
      await own.run(`create table ${parent} (
          id bigint auto_increment primary key, email varchar(20) not null, place int not null, note varchar(9) default 'none',
          made timestamp not null default current_timestamp on update current_timestamp,
          twice int generated always as (place * 2) stored, unique (place, email));
        insert into ${parent} (email, place, note, made) values ('a', 1, 'old', '2001-01-01'), ('b', 1, 'old', '2001-01-01');
        create table ${child} (parent bigint, foreign key (parent) references ${parent} (id) on delete cascade);
        insert into ${child} values (1), (2)`);
      const run = await load(out, {
        query: "select * from (values ('b', 1), ('c', 1)) t(email, place)",
        table: parent,
        mode: { kind: "upsert", keys: ["email", "place"] },
      });
      expect(run).toMatchObject({ error: null, rowsWritten: 2 });
      // What the new row lacks is its default; the number that a row gave itself stays.
      expect(
        await own.values(
          `select concat(email, place, note, twice, id = 2, year(made) = 2001) from ${parent} order by email`,
        ),
      ).toEqual(["a1old201", "b1none210", "c1none200"]);
      expect(await own.values(`select count(*) from ${child}`)).toEqual(["2"]);
    });

    it("never changes a row that only another unique index finds", async () => {
      const t = newTable();
      await using out = readWrite(url);
      await using own = await reader(url);
      await own.run(
        `create table ${t} (id bigint primary key, email varchar(20) unique); insert into ${t} values (3, 'x')`,
      );
      const mode = { kind: "upsert", keys: ["id"] } as const;
      const error = await refusal(out, { query: "select 5::bigint as id, 'x' as email", table: t, mode });
      expect(error).toMatchObject({ code: "destination_failed", retryable: false });
      expect(await own.values(`select concat(id, email) from ${t}`)).toEqual(["3x"]);
    });

    it("into a table that it makes gives it the keys, texts among them", async () => {
      const t = newTable();
      await using out = readWrite(url);
      await using own = await reader(url);
      const given = { table: t, mode: { kind: "upsert", keys: ["id", "name"] }, createIfMissing: true } as const;
      await load(out, { ...given, query: "select 1 as id, 'a' as name, 'x' as label" });
      const rows = "(1, 'a', 'y'), (1, 'A', 'z'), (1, 'a ', 'w')";
      await load(out, { ...given, query: `select * from (values ${rows}) t(id, name, label)` });
      expect(await own.values(`select concat(name, '/', label) from ${t} order by label`)).toEqual([
        "a /w",
        "a/y",
        "A/z",
      ]);
      const [definition] = await own.rows(`show create table ${t}`);
      expect(definition?.["Create Table"]).toContain("PRIMARY KEY (`id`,`name`)");
      const long = await refusal(out, { ...given, query: "select 1 as id, repeat('x', 256) as name, '' as label" });
      expect(long).toMatchObject({ code: "destination_failed", columns: ["name"], retryable: false });
    });

    it.each([["primary key"], [""]])("names a key that comes twice (%s)", async (key) => {
      const t = newTable();
      await using out = readWrite(url);
      await using own = await reader(url);
      await own.run(`create table ${t} (id bigint ${key}, label text)`);
      const query = "select * from (values (1::bigint, 'a'), (2, 'b'), (1, 'c')) t(id, label)";
      const error = await refusal(out, { query, table: t, mode: { kind: "upsert", keys: ["id"] } });
      expect(error).toMatchObject({ code: "destination_failed", retryable: false, columns: ["id"] });
      expect(error.message).toContain("id = 1");
      const last = { kind: "upsert", keys: ["id"], onDuplicate: "keepLast" } as const;
      expect(await load(out, { query, table: t, mode: last })).toMatchObject({ error: null, rowsWritten: 2 });
      expect(await own.values(`select concat(id, label) from ${t} order by id`)).toEqual(["1c", "2b"]);
    });

    it("takes keys for the same that the column's collation takes for the same", async () => {
      const t = newTable();
      await using out = readWrite(url);
      await using own = await reader(url);
      await own.run(`create table ${t} (name varchar(20) collate utf8mb4_general_ci primary key, label text)`);
      const mode = { kind: "upsert", keys: ["name"] } as const;
      const both = "select * from (values ('ann', '1'), ('Ann ', '2')) t(name, label)";
      const error = await refusal(out, { query: both, table: t, mode });
      expect(error).toMatchObject({ code: "destination_failed", retryable: false, columns: ["name"] });
      expect((await load(out, { query: "select 'ann' as name, '1' as label", table: t, mode })).error).toBeNull();
      expect((await load(out, { query: "select 'ANN' as name, '2' as label", table: t, mode })).error).toBeNull();
      expect(await own.values(`select concat(name, label) from ${t}`)).toEqual(["ANN2"]);
    });

    it("by long texts, and by columns of every kind that refuses nulls", async () => {
      const t = newTable();
      await using out = readWrite(url);
      await using own = await reader(url);
      await own.run(`create table ${t} (a longtext not null, d date not null, ts timestamp(6) not null, e enum('x','y') not null,
        b blob not null, n int)`);
      const row = (text: string, n: number) =>
        `(repeat('k', 5000) || '${text}', date '2001-01-01', timestamptz '2001-01-01 00:00:00+00', 'x'::enum('x'), 'b'::blob, ${n})`;
      const query = (...rows: readonly string[]) => `from (values ${rows.join(", ")}) t(a, d, ts, e, b, n)`;
      const mode: KeyedMode = { kind: "upsert", keys: ["a", "d", "ts", "e", "b"] };
      await load(out, { query: query(row("1", 1), row("2", 2)), table: t, mode });
      const run = await load(out, { query: query(row("2", 3), row("3", 4)), table: t, mode });
      expect(run).toMatchObject({ error: null, rowsWritten: 2 });
      expect(await own.values(`select concat(right(a, 1), n) from ${t} order by n`)).toEqual(["11", "23", "34"]);
    });
  });

  describe("columns", () => {
    it("that fill themselves are filled, and none that the system computes is written", async () => {
      const t = newTable();
      await using out = readWrite(url);
      await using own = await reader(url);
      await own.run(`create table ${t} (id bigint, own int auto_increment primary key, kind varchar(9) not null default 'plain',
        twice bigint generated always as (id * 2) stored, thrice bigint as (id * 3) virtual, hidden int invisible default 4)`);
      expect((await load(out, { query: "select 7::bigint as id", table: t })).error).toBeNull();
      // 0 is a number, not a wish for one.
      expect((await load(out, { query: "select 8::bigint as id, 0 as own", table: t })).error).toBeNull();
      expect(await own.rows(`select id, own, kind, twice, thrice, hidden from ${t} order by id`)).toEqual([
        { id: "7", own: "1", kind: "plain", twice: "14", thrice: "21", hidden: "4" },
        { id: "8", own: "0", kind: "plain", twice: "16", thrice: "24", hidden: "4" },
      ]);
      for (const column of ["twice", "thrice"]) {
        const error = await refusal(out, { query: `select 1::bigint as id, 5::bigint as ${column}`, table: t });
        expect(error).toMatchObject({ code: "schema_mismatch", columns: [column] });
      }
    });

    it("that take no nulls refuse one by their name, and one that must be given is asked for", async () => {
      const t = newTable();
      await using out = readWrite(url);
      await using own = await reader(url);
      await own.run(`create table ${t} (id bigint auto_increment primary key, \`La bel\` varchar(9) not null,
        at timestamp not null default current_timestamp)`);
      const missing = await refusal(out, { query: "select 1::bigint as id", table: t });
      expect(missing).toMatchObject({ code: "schema_mismatch", columns: ["La bel"] });
      for (const [column, query] of [
        ["La bel", `select i as id, case when i < 9 then 'x' end as "La bel" from range(10) t(i)`],
        ["id", `select case when i < 9 then i end as id, 'x' as "La bel" from range(10) t(i)`],
        ["at", `select 'x' as "La bel", null::timestamp_s::timestamptz as at`],
      ] as const) {
        for (const mode of ["append", "overwrite"] as const) {
          const error = await refusal(out, { query, table: t, mode });
          expect(error).toMatchObject({ columns: [column], retryable: false });
        }
      }
      expect(await own.values(`select count(*) from ${t}`)).toEqual(["0"]);
    });

    it("whose names are too long are not cut in a table that is made", async () => {
      await using out = readWrite(url);
      const given = { query: `select 1 as ${"x".repeat(65)}`, table: newTable(), createIfMissing: true };
      expect(await refusal(out, given)).toMatchObject({ code: "schema_mismatch", columns: ["x".repeat(65)] });
    });
  });

  describe("tables", () => {
    it("may stand in another database, and be partitioned", async () => {
      const other = `o\`ther_${new URL(url).pathname.slice(-8)}`;
      await using out = readWrite(url);
      await using own = await reader(url);
      const name = `\`${other.replaceAll("`", "``")}\`.orders`;
      await own.run(`create database \`${other.replaceAll("`", "``")}\`;
        create table ${name} (id bigint) partition by range (id) (partition few values less than (10), partition many values less than (100))`);
      const table = `${other}.orders`;
      expect((await load(out, { query: "select i as id from range(20) t(i)", table })).error).toBeNull();
      const again = { query: "select i as id from range(5, 15) t(i)", table, mode: "overwrite" } as const;
      expect((await load(out, again)).error).toBeNull();
      expect(await own.values(`select count(*) from ${name} partition (few)`)).toEqual(["5"]);
      const error = await refusal(out, { query: "select 100::bigint as id", table });
      expect(error).toMatchObject({ code: "destination_failed", retryable: false });
      expect(await own.values(`select count(*) from ${name}`)).toEqual(["10"]);
      await own.run(`drop database \`${other.replaceAll("`", "``")}\``);
    });

    it.each([
      ["create view $t as select 1 as id", /is no table/],
      ["create table $t (id bigint) engine = MyISAM", /MyISAM, which cannot take rows back/],
      ["create table $t (id bigint) engine = Aria", /Aria, which cannot/],
      ["create table $t (id bigint) engine = MEMORY", /MEMORY, which cannot/],
    ])("%s: refused", async (text, says) => {
      const t = newTable();
      await using out = readWrite(url);
      await using own = await reader(url);
      await own.run(text.replaceAll("$t", t));
      const error = await refusal(out, { query: "select 1::bigint as id", table: t });
      expect(error).toMatchObject({ code: "destination_resolution_failed" });
      expect(error.message).toMatch(says);
    });

    it.each(["_millrace_commits", "mysql.user", "information_schema.tables", "x".repeat(65), "", "a\0b", "a ", "🦆"])(
      "%j is no name of one",
      (name) => {
        expect(mysql(url, { access: "read_write" }).destination?.(name)).toBeUndefined();
      },
    );

    it("whose trigger refuses a row fail the write, and what a trigger makes of a row is the table's own affair", async () => {
      const t = newTable();
      await using out = readWrite(url);
      await using own = await reader(url);
      await own.run(`create table ${t} (id bigint, label varchar(9) default 'none')`);
      await own.connection.query(`create trigger tr_${t} before insert on ${t} for each row
        begin if new.id = 1 then signal sqlstate '45000' set message_text = 'not this one'; end if; set new.label = 'changed'; end`);
      for (const mode of ["append", "overwrite", { kind: "upsert", keys: ["id"] }] as const) {
        const error = await refusal(out, { query: "select i as id from range(3) t(i)", table: t, mode });
        expect(error.message).toMatch(/not this one/);
      }
      expect((await load(out, { query: "select 2::bigint as id", table: t })).error).toBeNull();
      expect(await own.values(`select concat(id, label) from ${t}`)).toEqual(["2changed"]);
    });

    it("are made by the statement that is shown before", async () => {
      const t = newTable();
      await using out = readWrite(url);
      await using own = await reader(url);
      const mode = { kind: "upsert", keys: ["id"] } as const;
      const columns = [
        { name: "id", type: { kind: "text" }, nullable: true },
        { name: "at", type: { kind: "timestamp", unit: "us", zoned: true }, nullable: true },
      ] as const;
      await own.run(await destinationOf(out, t).tableDefinition!({ columns }, mode));
      const schema = await destinationOf(out, t).schema(NEVER_ABORTED);
      expect(schema?.columns).toMatchObject([
        { name: "id", nativeType: "varchar(255)", nullable: false },
        { name: "at", nativeType: "timestamp(6)", nullable: true },
      ]);
    });
  });

  it("of several writers that make one table, one does, and the others add their rows", async () => {
    const t = newTable();
    await using out = readWrite(url);
    await using own = await reader(url);
    const writers = [1, 11, 21].map((first) =>
      write(destinationOf(out, t), [numbered(first, 5)], { commitId: `${t}-${first}`, createIfMissing: true }),
    );
    await Promise.all(writers);
    expect(await own.values(`select count(*) from ${t}`)).toEqual(["15"]);
  });

  it("a table that was made is taken away again only as long as nobody has put rows into it", async () => {
    const t = newTable();
    await using out = readWrite(url);
    await using own = await reader(url);
    const failing = write(destinationOf(out, t), [numbered(1, 5)], {
      commitId: t,
      createIfMissing: true,
      atPermit: async () => {
        await write(destinationOf(out, t), [numbered(11, 2)], { commitId: `${t}-other` });
        throw new Error("refused");
      },
    });
    await expect(failing).rejects.toThrow("refused");
    expect(await own.values(`select id from ${t} order by id`)).toEqual(["11", "12"]);
  });

  it("millions of values cross whole, in several statements", async () => {
    const t = newTable();
    await using out = readWrite(url);
    await using own = await reader(url);
    const query = `select i as id, case when i % 7 = 0 then null else repeat('x', (i % 1000)::integer) end as label,
      (i * 1.01)::decimal(18,2) as amount, case when i % 10000 = 1 then repeat('ab', 200000)::blob end as bytes
      from range(100000) t(i)`;
    expect(await load(out, { query, table: t, createIfMissing: true })).toMatchObject({
      error: null,
      rowsWritten: 100_000,
    });
    const sums = await own.rows(`select count(*) as n, sum(id) as ids, count(label) as labels,
      sum(length(label)) as characters, sum(amount) as amounts, sum(length(bytes)) as bytes from ${t}`);
    const ids = 4_999_950_000n;
    let [labels, characters] = [0, 0];
    for (let id = 0; id < 100_000; id += 1)
      if (id % 7 !== 0) [labels, characters] = [labels + 1, characters + (id % 1000)];
    expect(sums).toEqual([
      {
        n: "100000",
        ids: String(ids),
        labels: String(labels),
        characters: String(characters),
        amounts: `${(ids * 101n) / 100n}.${String((ids * 101n) % 100n).padStart(2, "0")}`,
        bytes: String(10 * 400_000),
      },
    ]);
  });
});
