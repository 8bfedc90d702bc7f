import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createConnection } from "mysql2/promise";
import { afterAll, beforeAll, expect, it } from "vitest";
import { mysql } from "../../../../src/adapters/mysql/mysql.js";
import { describeMysql } from "../../../support/describe-mysql.js";
import { readColumn, readSource, sourceOf } from "../../../support/read-source.js";
import { mysqlDatabase, type TestDatabase } from "./mysql-database.js";

const NEVER_ABORTED = new AbortController().signal;
const ROWS = 300_000;

let database: TestDatabase;

beforeAll(async () => {
  database = await mysqlDatabase();
  await database.beside.query(`create table many (i int, label varchar(100));
    insert into many select seq, repeat('x', 100) from seq_1_to_${ROWS}`);
});

afterAll(() => database?.[Symbol.asyncDispose]());

function firstOf(iterable: AsyncIterable<unknown>): Promise<unknown> {
  return iterable[Symbol.asyncIterator]().next();
}

/** What the server works on for us. */
async function statements(): Promise<readonly string[]> {
  const [rows] = await database.beside.query("show full processlist");
  return (rows as { Info: string | null }[]).flatMap(({ Info }) => (Info?.startsWith("select `i`") ? [Info] : []));
}

/** Resolves when the server works on none of our statements any more. */
async function untilIdle(): Promise<void> {
  while ((await statements()).length > 0) await database.beside.query("do 0");
}

describeMysql("the tables of MySQL that can be read", () => {
  it("are found by exactly their name, in this and in other databases, with odd names, views too", async () => {
    await database.beside
      .query(`create table \`odd \`\` "'ü\` (\`a \`\` b\` int, \`select\` varchar(3), \`g\` int as (\`a \`\` b\` + 1));
      insert into \`odd \`\` "'ü\` (\`a \`\` b\`, \`select\`) values (1, 'x');
      create view seen as select i, i * 2 as doubled from many where i <= 2;
      create table none (i int); create table isam (i int) engine = myisam; insert into isam values (1);
      create or replace database other; create table other.\`t\` (i int); insert into other.t values (7)`);
    const { connection } = database;
    expect(await readSource(sourceOf(connection, "odd ` \"'ü"))).toEqual([{ "a ` b": 1, select: "x", g: 2 }]);
    expect(await readSource(sourceOf(connection, "seen"))).toEqual([
      { i: 1, doubled: 2n },
      { i: 2, doubled: 4n },
    ]);
    expect(await readSource(sourceOf(connection, "none"))).toEqual([]);
    expect(await readSource(sourceOf(connection, "isam"))).toEqual([{ i: 1 }]);
    expect(await readSource(sourceOf(connection, "other.t"))).toEqual([{ i: 7 }]);
    expect(await sourceOf(connection, "Many").schema(NEVER_ABORTED)).toBeNull();
    expect(await sourceOf(connection, "nowhere.t").schema(NEVER_ABORTED)).toBeNull();
    for (const name of ["", "mysql.user", "information_schema.tables", "_millrace_commits", "a\0b"]) {
      expect(connection.source?.(name)).toBeUndefined();
    }
    const schema = await sourceOf(connection, "odd ` \"'ü").schema(NEVER_ABORTED);
    expect(schema?.columns[2]).toMatchObject({ name: "g", generated: true, nativeType: "int(11)" });
  });

  it("give many rows, each once, in small batches, and the pool's connection back", async () => {
    const connection = database.open({}, `${database.url}?connectionLimit=1`);
    for (let time = 0; time < 3; time++) {
      let sum = 0n;
      let largest = 0;
      const source = sourceOf(connection, "many");
      for await (const batch of source.scan!({ columns: ["label", "i"], signal: NEVER_ABORTED })) {
        largest = Math.max(largest, batch.data.byteLength);
        for (const i of batch.getChildAt(1)!) sum += BigInt(i as number);
      }
      expect(sum).toBe((BigInt(ROWS) * BigInt(ROWS + 1)) / 2n);
      expect(largest).toBeLessThan(1.2 * 1024 * 1024);
    }
    // What the catalogue was asked with stays prepared, and the scans do not.
    for (let limit = 1; limit < 10; limit++) {
      await readSource(sourceOf(connection, "many"), { columns: ["i"], limit });
    }
    const [counts] = await database.beside.query("show global status like 'Prepared_stmt_count'");
    expect(Number((counts as { Value: string }[])[0]!.Value)).toBeLessThan(5);
  });

  it("give values of any length, across the packets of the protocol", async () => {
    const lengths = [0, 1, 250, 251, 65_535, 65_536, 16_777_210, 17_000_000];
    await database.beside.query("set global max_allowed_packet = 64 * 1024 * 1024");
    const session = await createConnection(database.url);
    await session.query("create table longs (n int, t longtext)");
    for (const length of lengths)
      await session.query(`insert into longs select ${length}, repeat('ü', ${length} div 2)`);
    await session.end();
    const rows = await readSource(sourceOf(database.open(), "longs"));
    expect(rows.map(({ t }) => (t as string).length)).toEqual(lengths.map((n) => Math.floor(n / 2)));
    expect(rows.every(({ t }) => /^ü*$/.test(t as string))).toBe(true);
  }, 30_000);

  it("are not read where the server warns that it has changed a value", async () => {
    await database.beside.query("create view converted as select i, cast(label as signed) as n from many where i <= 3");
    await expect(readSource(sourceOf(database.connection, "converted"), { columns: ["n"] })).rejects.toMatchObject({
      code: "query_failed",
      message: 'Reading "converted", the server warned 3 times that a value is not what it was.',
      retryable: false,
      table: "converted",
    });
    expect(await readColumn(sourceOf(database.connection, "converted"), "i")).toEqual([1, 2, 3]);
  });

  it("tell which wanted columns are not there, also when somebody changed them since", async () => {
    await database.beside.query("create or replace table changing (a int, b int)");
    const source = sourceOf(database.connection, "changing");
    const scan = (columns: string[]) => firstOf(source.scan!({ columns, signal: NEVER_ABORTED }));
    await expect(scan(["b", "c"])).rejects.toMatchObject({ code: "query_failed", columns: ["c"], table: "changing" });
    await database.beside.query("drop table changing");
    await expect(scan(["a"])).rejects.toMatchObject({ code: "query_failed", table: "changing" });
  });
});

describeMysql("one moment of MySQL", () => {
  it("is what all scans of a snapshot see, while another connection commits", async () => {
    await database.beside.query(`create or replace table a (i int); create or replace table b (i int);
      insert into a values (0); insert into b values (0)`);
    const snapshot = await database.connection.snapshot!(["a", "b"], NEVER_ABORTED);
    const rows = async (table: string): Promise<number> => {
      let count = 0;
      for await (const batch of snapshot.scan(table, { columns: ["i"], signal: NEVER_ABORTED })) count += batch.numRows;
      return count;
    };
    expect(await rows("a")).toBe(1);
    await database.beside.query("start transaction; insert into a values (1); insert into b values (1); commit");
    expect([await rows("b"), await rows("a")]).toEqual([1, 1]);
    await snapshot.close();
    await snapshot.close();
    expect(await readColumn(sourceOf(database.connection, "b"), "i")).toEqual([0, 1]);
  });

  it.each([
    ["b", "truncate b"],
    ["b", "alter table b engine = innodb"],
    ["b", "drop table b"],
    ["b", "rename table b to bb"],
    ["parted", "alter table parted drop partition low"],
    ["parted", "alter table parted truncate partition low"],
    ["parted", "alter table parted exchange partition low with table apart"],
    ["shown", "create or replace view shown as select 7 as i"],
    ["shown", "truncate b"],
    ["counted", "truncate b"],
  ])("lets nobody change what %s is read with until it is over: %s", async (table, change) => {
    await database.beside.query(`create or replace table a (i int); create or replace table b (i int);
      drop table if exists bb; insert into a values (1); insert into b values (1);
      create or replace view shown as select i from b; create or replace view counted as select count(*) as i from b;
      create or replace table apart (i int); insert into apart values (2);
      create or replace table parted (i int) partition by range (i) (
        partition low values less than (10), partition high values less than maxvalue);
      insert into parted values (1)`);
    const changer = await createConnection(database.url);
    const snapshot = await database.connection.snapshot!(["a", table], NEVER_ABORTED);
    const read = async (of: string): Promise<unknown[]> => {
      const found: unknown[] = [];
      for await (const batch of snapshot.scan(of, { columns: ["i"], signal: NEVER_ABORTED })) {
        found.push(...batch.getChildAt(0)!);
      }
      return found.map(Number);
    };
    const changed = changer.query(change);
    const waiting =
      "select count(*) as n from information_schema.processlist where state like 'Waiting for table %lock'";
    while (Number(((await database.beside.query(waiting))[0] as { n: string }[])[0]!.n) === 0);
    expect([await read("a"), await read(table)]).toEqual([[1], [1]]);
    await snapshot.close();
    await changed;
    await changer.end();
  });

  it("reads no row of a view before its scan", async () => {
    await database.beside.query(`create or replace view endless as
      select count(*) as i from \`many\` a, \`many\` b, \`many\` c where a.label < concat(b.label, c.i)`);
    const snapshot = await database.connection.snapshot!(["endless"], NEVER_ABORTED);
    await snapshot.close();
  });

  it("is not waited for behind who changes a table, once the signal is aborted", async () => {
    await database.beside.query("create or replace table b (i int); insert into b values (1)");
    const holder = await createConnection(database.url);
    await holder.query("lock tables b write");
    const controller = new AbortController();
    const reason = new Error("cancelled");
    const opening = database.connection.snapshot!(["b"], controller.signal);
    const rejected = expect(opening).rejects.toBe(reason);
    const waiting = "select count(*) as n from information_schema.processlist where info like 'select 1 from%'";
    const count = async (): Promise<number> =>
      Number(((await database.beside.query(waiting))[0] as { n: string }[])[0]!.n);
    while ((await count()) === 0);
    controller.abort(reason);
    await rejected;
    while ((await count()) > 0);
    await holder.end();
  });

  it("outlives a scan that is left early, whose statement ends at the server, and one that failed", async () => {
    await database.beside.query("create or replace table bad (i date); insert into bad values ('0000-00-00')");
    const snapshot = await database.connection.snapshot!(["many", "bad"], NEVER_ABORTED);
    const request = { columns: ["i"], signal: NEVER_ABORTED };
    for (let time = 0; time < 3; time++) {
      for await (const batch of snapshot.scan("many", request)) {
        expect(batch.numRows).toBeGreaterThan(0);
        break;
      }
      expect(await statements()).toEqual([]);
      await expect(firstOf(snapshot.scan("bad", request))).rejects.toThrow("row 1");
    }
    let rows = 0;
    for await (const batch of snapshot.scan("many", request)) rows += batch.numRows;
    expect(rows).toBe(ROWS);
    await snapshot.close();
  });

  it("holds the server back while nobody takes the batches, for longer than the server's own patience", async () => {
    await database.beside.query("set global net_write_timeout = 1");
    const connection = database.open();
    const batches = sourceOf(connection, "many").scan!({ columns: ["i", "label"], signal: NEVER_ABORTED });
    let rows = 0;
    for await (const batch of batches) {
      if (rows === 0) {
        const before = process.memoryUsage().arrayBuffers;
        await database.beside.query("do sleep(2.5)");
        expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 1024 * 1024);
        expect(await statements()).toHaveLength(1);
      }
      rows += batch.numRows;
    }
    expect(rows).toBe(ROWS);
    await database.beside.query("set global net_write_timeout = 60");
  });
});

describeMysql("a scan of MySQL that is stopped", () => {
  it.each([
    ["between batches", "many"],
    ["before its first row", "slow"],
  ])("ends with the signal's reason at once, and at the server too: %s", async (_name, table) => {
    await database.beside.query(
      `create or replace view slow as select count(*) as i, 'x' as label from \`many\` a, \`many\` b where a.label < concat(b.label, a.i)`,
    );
    const controller = new AbortController();
    const reason = new Error("cancelled");
    const connection = database.open();
    const batches = sourceOf(connection, table).scan!({ columns: ["i"], signal: controller.signal })[
      Symbol.asyncIterator
    ]();
    const first = batches.next();
    if (table === "many") await first;
    else while (!(await statements()).some((text) => text.includes("slow"))) await database.beside.query("do 0");
    const next = table === "many" ? drained(batches) : first;
    const rejected = expect(next).rejects.toBe(reason);
    const started = performance.now();
    controller.abort(reason);
    await rejected;
    expect(performance.now() - started).toBeLessThan(500);
    await connection.close();
    await untilIdle();
  });

  it("does not begin when the signal is aborted already", async () => {
    const reason = new Error("cancelled");
    const signal = AbortSignal.abort(reason);
    await expect(sourceOf(database.connection, "many").schema(signal)).rejects.toBe(reason);
    await expect(database.connection.snapshot!(["many"], signal)).rejects.toBe(reason);
    await expect(firstOf(sourceOf(database.connection, "many").scan!({ columns: ["i"], signal }))).rejects.toBe(reason);
  });
});

async function drained(batches: AsyncIterator<unknown>): Promise<void> {
  while ((await batches.next()).done !== true);
}

/** Passes on what comes, until it is told to cut. */
async function relay(port: number): Promise<{ server: Server; port: number; cut(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const other = connect(port, "127.0.0.1");
    for (const one of [socket, other]) {
      sockets.add(one);
      one.on("error", () => undefined);
    }
    socket.pipe(other).pipe(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    server,
    port: (server.address() as AddressInfo).port,
    cut: () => sockets.forEach((socket) => socket.destroy()),
  };
}

describeMysql("a MySQL that cannot be read", () => {
  it.each([
    ["a wrong password", (url: URL): void => void (url.password = "s3cret-and-wrong"), false],
    ["no such user", (url: URL): void => void (url.username = "nobody"), false],
    ["no such database", (url: URL): void => void (url.pathname = "/nowhere"), false],
    ["nothing that listens", (url: URL): void => void (url.port = "1"), true],
  ] as const)("is refused with what to do, and without its password: %s", async (_name, change, retryable) => {
    const url = new URL(database.url);
    change(url);
    const connection = mysql(url.href);
    const source = sourceOf(connection, "many");
    const tries: readonly (() => Promise<unknown>)[] = [
      () => source.schema(NEVER_ABORTED),
      () => connection.snapshot!(["many"], NEVER_ABORTED),
      () => firstOf(source.scan!({ columns: ["i"], signal: NEVER_ABORTED })),
    ];
    for (const attempt of tries) {
      const error = await attempt().then(
        () => expect.fail("it was read"),
        (thrown: unknown) => thrown as Error,
      );
      expect(error).toMatchObject({ code: "connection_unavailable", retryable });
      expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toContain(url.password);
    }
    await connection.close();
  });

  it("is refused by name where this user may not read: the table is not there for it", async () => {
    const name = new URL(database.url).pathname.slice(1);
    await database.beside.query(`create or replace table secret (i int); create or replace table half (a int, b int);
      create or replace user reader identified by 'reading'; grant select on \`${name}\`.many to reader;
      grant select (a) on \`${name}\`.half to reader; grant insert on \`${name}\`.secret to reader`);
    const url = Object.assign(new URL(database.url), { username: "reader", password: "reading" });
    const connection = database.open({}, url.href);
    expect((await sourceOf(connection, "half").schema(NEVER_ABORTED))?.columns.map((column) => column.name)).toEqual([
      "a",
    ]);
    expect(await readColumn(sourceOf(connection, "half"), "a")).toEqual([]);
    expect(await sourceOf(connection, "a").schema(NEVER_ABORTED)).toBeNull();
    await expect(readSource(sourceOf(connection, "secret"), { columns: ["i"] })).rejects.toMatchObject({
      code: "query_failed",
      hint: "This user may not read the table, or some of its columns. Grant it select.",
    });
  });

  it("takes a connection that drops for an error, and not for the end of the rows", async () => {
    const between = await relay(Number(new URL(database.url).port));
    const connection = database.open({}, Object.assign(new URL(database.url), { port: String(between.port) }).href);
    const batches = sourceOf(connection, "many").scan!({ columns: ["i", "label"], signal: NEVER_ABORTED })[
      Symbol.asyncIterator
    ]();
    await batches.next();
    between.cut();
    await expect(drained(batches)).rejects.toMatchObject({ code: "query_failed", retryable: true });
    expect(await readColumn(sourceOf(connection, "seen"), "i")).toEqual([1, 2]);
    await connection.close();
    between.server.close();
  });

  it("takes a server that is killed, and a statement that is killed there, for errors", async () => {
    const scan = async (act: () => Promise<unknown>): Promise<unknown> => {
      const batches = sourceOf(database.open(), "many").scan!({ columns: ["i", "label"], signal: NEVER_ABORTED })[
        Symbol.asyncIterator
      ]();
      await batches.next();
      await act();
      return drained(batches).then(
        () => "the end",
        (error: unknown) => error,
      );
    };
    const killed = await scan(async () => {
      const [rows] = await database.beside.query("show full processlist");
      const { Id } = (rows as { Id: number; Info: string | null }[]).find(({ Info }) =>
        Info?.startsWith("select `i`"),
      )!;
      await database.beside.query(`kill query ${Id}`);
    });
    expect(killed).toMatchObject({ code: "query_failed", message: expect.stringContaining("1317") as string });
    expect(await scan(() => database.server.restart("kill"))).toMatchObject({ code: "query_failed", retryable: true });
    expect(await readColumn(sourceOf(database.connection, "seen"), "i")).toEqual([1, 2]);
  }, 60_000);
});

describeMysql("the tables of MySQL", () => {
  it("are listed by the names by which they are read, those of the own database and no other", async () => {
    const url = await database.server.createDatabase();
    const session = await createConnection({ uri: url, multipleStatements: true });
    await session.query(`create table plain (i int); create table \`with.dot\` (i int); create table \`Two "words"\` (i int);
      insert into \`with.dot\` values (7); create view seen as select i from plain; create sequence counter;
      create table _millrace_commits (i int); create table _millrace_state (i int)`);
    await session.end();
    const connection = database.open({}, url);
    const own = new URL(url).pathname.slice(1);
    expect(await connection.listTables!(NEVER_ABORTED)).toEqual([
      { name: "plain", kind: "table" },
      { name: "seen", kind: "view" },
      { name: 'Two "words"', kind: "table" },
      { name: `${own}.with.dot`, kind: "table" },
    ]);
    expect(await readColumn(sourceOf(connection, `${own}.with.dot`), "i")).toEqual([7]);
    expect(connection.capabilities.tables).toBe("qualified");
  });

  it("are asked for on one connection, however often, and leave no listener on it", async () => {
    const connection = database.open({}, `${database.url}?connectionLimit=1`);
    const warnings: Error[] = [];
    const hear = (warning: Error): void => void warnings.push(warning);
    process.on("warning", hear);
    const source = sourceOf(connection, "seen");
    for (let round = 0; round < 15; round++) {
      await connection.check(NEVER_ABORTED);
      await source.schema(NEVER_ABORTED);
      await readSource(source, { columns: ["i"] });
      await connection.listTables!(NEVER_ABORTED);
    }
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", hear);
    expect(warnings).toEqual([]);
  });
});
