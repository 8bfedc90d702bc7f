import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { csv, duckdb, rows } from "../../../src/adapters/duckdb/entry.js";
import type { Column } from "../../../src/model/table-schema.js";
import { strict, type StrictConnection } from "../../../src/testing/engine/strict-connection.js";
import { overlaid } from "../../support/overlaid.js";
import { NEVER_ABORTED, query, withEngine } from "./engine-session.js";

const folder = mkdtempSync(join(tmpdir(), "millrace-names-"));
const shop = join(folder, "shop.duckdb");

async function onFile(path: string, ...statements: string[]): Promise<void> {
  const instance = await DuckDBInstance.fromCache(path);
  const connection = await instance.connect();
  for (const statement of statements) await connection.run(statement);
  connection.closeSync();
  instance.closeSync();
}

beforeAll(() =>
  onFile(
    shop,
    "create table orders as select 1 as id",
    "create schema old",
    "create table old.orders as select 2 as id",
    "create view big as from orders",
  ),
);

afterAll(() => rmSync(folder, { recursive: true }));

describe("names of connections", () => {
  it.each(["main", "temp", "system", "memory", "Memory", "information_schema", "pg_catalog", "millrace"])(
    "%s is refused with advice",
    async (name) => {
      await expect(withEngine({ [name]: rows([{ a: 1 }]) }, async () => undefined)).rejects.toMatchObject({
        code: "invalid_definition",
        field: `connections.${name}`,
        hint: expect.stringContaining("another name"),
      });
    },
  );

  it("that differ only in case are refused", async () => {
    await expect(
      withEngine({ Data: rows([{ a: 1 }]), data: rows([{ a: 2 }]) }, async () => undefined),
    ).rejects.toMatchObject({
      code: "invalid_definition",
      field: "connections.data",
    });
  });

  it.each(['say "hi"', "a.b", "select", "données", "x y", "'"])("%s can be quoted", async (name) => {
    const quoted = `"${name.replaceAll('"', '""')}"`;
    await withEngine(
      { [name]: rows([{ a: 1 }]), crm: rows({ [name]: [{ a: 2 }] }) },
      async ({ rows: read, describe: ask }) => {
        expect(await read(`from ${quoted}`)).toEqual([{ a: 1n }]);
        expect(await read(`select a from crm.${quoted}`)).toEqual([{ a: 2n }]);
        expect((await ask(`from ${quoted}`)).tables).toEqual([name]);
      },
    );
  });

  it("a connection and a table of one name do not meet", async () => {
    const connections = { orders: rows([{ a: 1 }]), crm: rows({ orders: [{ a: 2 }], crm: [{ a: 3 }] }) };
    await withEngine(connections, async ({ rows: read }) => {
      expect(await read("select o.a, c.a as b, d.a as c from orders o, crm.orders c, crm.crm d")).toEqual([
        { a: 1n, b: 2n, c: 3n },
      ]);
      expect(await read("with orders as (select 9 as a) select o.a, c.a as b from orders o, crm.orders c")).toEqual([
        { a: 9, b: 2n },
      ]);
    });
  });

  it("a CTE hides a connection only where it is in scope", async () => {
    await withEngine({ data: rows([{ a: 1 }]) }, async ({ rows: read, describe: ask }) => {
      const text = "select x.a, y.a as b from (with data as (select 7 as a) from data) x, data y";
      expect((await ask(text)).tables).toEqual(["data"]);
      expect(await read(text)).toEqual([{ a: 7, b: 1n }]);
    });
  });

  it("many queries at once that name tables for the first time do not conflict", async () => {
    const tables = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`t${i}`, [{ a: i }]]));
    await withEngine({ crm: rows(tables), sales: rows(tables) }, async ({ rows: read }) => {
      const sums = await Promise.all(
        Array.from({ length: 40 }, (_, i) =>
          read(`select x.a + y.a as s from crm.t${i % 20} x, sales.t${(i * 7) % 20} y`),
        ),
      );
      expect(sums.map(([row]) => row?.["s"])).toEqual(
        Array.from({ length: 40 }, (_, i) => BigInt((i % 20) + ((i * 7) % 20))),
      );
    });
  });
});

describe("quoted names with a dot", () => {
  const table = {
    schema: { columns: [{ name: "a", type: { kind: "text" }, nullable: true }] },
    rows: [{ a: "x" }],
  } as const;

  it("are the same without the quotes where names have no schemas, and in duckdb() what DuckDB makes of them", async () => {
    const path = join(folder, "dots.duckdb");
    await onFile(path, 'create table "s.o" as select 1 as a', "create schema s", "create table s.o as select 2 as a");
    await withEngine({ flat: strict({ "s.o": table }), shop: duckdb(path) }, async ({ rows: read }) => {
      expect(await read('from flat."s.o"')).toEqual([{ a: "x" }]);
      expect(await read("from flat.s.o")).toEqual([{ a: "x" }]);
      expect(await read('from shop."s.o"')).toEqual([{ a: 1 }]);
      expect(await read("from shop.s.o")).toEqual([{ a: 2 }]);
    });
  });

  it("are refused where they would be taken for another table of another schema", async () => {
    const tables = strict({ "s.o": table, "s.a.b": table });
    const crm = overlaid<StrictConnection>(tables, { capabilities: { ...tables.capabilities, tables: "qualified" } });
    await withEngine({ crm }, async ({ rows: read }) => {
      expect(await read("from crm.s.o")).toEqual([{ a: "x" }]);
      expect(await read('from crm.s."a.b"')).toEqual([{ a: "x" }]);
      for (const name of ['crm."s.o"', 'crm."s.a".b']) {
        await expect(read(`from ${name}`)).rejects.toMatchObject({ code: "unsupported_query", connection: "crm" });
      }
    });
  });
});

describe("duckdb()", () => {
  it("gives the tables and views of a file by two names and by three", async () => {
    await withEngine({ shop: duckdb(shop) }, async ({ rows: read, describe: ask }) => {
      const text =
        "select a.id, b.id as main, c.id as old, d.id as big from shop.orders a, shop.main.orders b, SHOP.old.orders c, shop.big d";
      expect((await ask(text)).tables).toEqual(["shop.big", "shop.main.orders", "shop.old.orders", "shop.orders"]);
      expect(await read(text)).toEqual([{ id: 1, main: 1, old: 2, big: 1 }]);
    });
  });

  it("says what is not there", async () => {
    const connections = {
      shop: duckdb(shop),
      gone: duckdb(join(folder, "gone.duckdb")),
      wrong: duckdb(join(folder, "wrong.duckdb")),
    };
    writeFileSync(join(folder, "wrong.duckdb"), "this is no database at all, however long it may be");
    await withEngine(connections, async ({ rows: read }) => {
      await expect(read("from shop.nothing")).rejects.toMatchObject({
        code: "sql_plan_failure",
        message: expect.stringContaining("nothing"),
      });
      await expect(read("from gone.orders")).rejects.toMatchObject({
        code: "connection_unavailable",
        connection: "gone",
      });
      await expect(read("from wrong.orders")).rejects.toMatchObject({
        code: "connection_unavailable",
        connection: "wrong",
      });
      await expect(connections.shop.check(NEVER_ABORTED)).resolves.toBeUndefined();
      await expect(connections.gone.check(NEVER_ABORTED)).rejects.toMatchObject({ code: "connection_unavailable" });
      await expect(connections.wrong.check(NEVER_ABORTED)).rejects.toMatchObject({ code: "connection_unavailable" });
    });
  });

  it("cannot be written, by any query", async () => {
    await withEngine({ shop: duckdb(shop) }, async ({ rows: read }) => {
      await expect(read("insert into shop.orders values (2)")).rejects.toMatchObject({ code: "unsupported_query" });
      expect(await read("from shop.orders")).toEqual([{ id: 1 }]);
    });
    expect(() => duckdb(shop, { access: "write" as never })).toThrow(expect.objectContaining({ field: "access" }));
    expect(() => duckdb(shop, { lockWaitMs: -1 })).toThrow(expect.objectContaining({ field: "lockWaitMs" }));
  });

  it("is free between queries: others write to it, and the next query sees it", async () => {
    const path = join(folder, "busy.duckdb");
    await onFile(path, "create table t as select 1 as a");
    await withEngine({ busy: duckdb(path) }, async ({ rows: read, engine }) => {
      expect(await read("from busy.t")).toEqual([{ a: 1 }]);
      await engine.describe(query("from busy.t"), NEVER_ABORTED);
      await onFile(path, "insert into t values (2)");
      expect(await read("select count(*) as n from busy.t")).toEqual([{ n: 2n }]);
      const streams = await Promise.all(
        [1, 2, 3].map(() => engine.stream(query("from busy.t"), { signal: NEVER_ABORTED })),
      );
      // Someone else who opened it now would lose rows, so the driver refuses.
      await expect(onFile(path, "insert into t values (3)")).rejects.toThrow(/already attached|conflict/i);
      for (const stream of streams) await stream.close();
      await engine.describe(query("select 1 as x"), NEVER_ABORTED);
      await onFile(path, "insert into t values (3)");
      expect(await read("select count(*) as n from busy.t")).toEqual([{ n: 3n }]);
    });
  });

  it("one file may be read under two names, and by two engines", async () => {
    await withEngine(
      { one: duckdb(shop), two: duckdb(join(folder, ".", "shop.duckdb")) },
      async ({ rows: read, engine }) => {
        expect(await read("select a.id, b.id as other from one.orders a, two.orders b")).toEqual([{ id: 1, other: 1 }]);
        const open = await engine.stream(query("from one.orders"), { signal: NEVER_ABORTED });
        await withEngine({ one: duckdb(shop) }, async (other) => {
          expect(await other.rows("from one.orders")).toEqual([{ id: 1 }]);
          await open.close();
        });
      },
    );
  });
});

describe("tables that DuckDB cannot read by itself", () => {
  const column = (name: string): Column => ({ name, type: { kind: "text" }, nullable: true });
  const crm = (): StrictConnection =>
    strict({
      "sales.orders": { schema: { columns: [column("a")] }, rows: [{ a: "x" }] },
      cases: { schema: { columns: [column("Id"), column("id"), column("other")] }, rows: [] },
      nothing: { schema: { columns: [] }, rows: [] },
    });

  it("may be called by both spellings of a dotted name, one after the other", async () => {
    for (const spellings of [
      ["crm.sales.orders", 'crm."sales.orders"'],
      ['crm."sales.orders"', "crm.sales.orders"],
    ]) {
      await withEngine({ crm: crm() }, async ({ rows: read }) => {
        for (const spelling of spellings) expect(await read(`from ${spelling}`)).toEqual([{ a: "x" }]);
      });
    }
  });

  it.each([
    ["cases", 'of which the columns "Id", "id" differ in case only', { columns: ["Id", "id"] }],
    ["nothing", "which has no columns", {}],
  ])("are refused with advice where DuckDB can have no such table: %s", async (table, message, details) => {
    await withEngine({ crm: crm() }, async ({ rows: read }) => {
      await expect(read(`select count(*) as n from crm.${table}`)).rejects.toMatchObject({
        code: "unsupported_query",
        message: expect.stringContaining(message),
        connection: "crm",
        ...details,
      });
    });
  });
});

describe("a failing source does not stay", () => {
  it("a file that is mended is read by the next query", async () => {
    const path = join(folder, "late.csv");
    await withEngine({ late: csv(path) }, async ({ rows: read }) => {
      await expect(read("from late")).rejects.toMatchObject({ code: "connection_unavailable", connection: "late" });
      writeFileSync(path, "a\n1\n");
      expect(await read("from late")).toEqual([{ a: 1n }]);
    });
  });
});
