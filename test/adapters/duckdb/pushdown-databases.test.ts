import Database from "better-sqlite3";
import { expect, it } from "vitest";
import { postgres } from "../../../src/adapters/postgres/postgres.js";
import { sqlite } from "../../../src/adapters/sqlite/sqlite-connection.js";
import { formatDataType } from "../../../src/model/data-type.js";
import type { TableSchema } from "../../../src/model/table-schema.js";
import type { Connection } from "../../../src/ports/connection.js";
import type { ScanRequest, TableSource } from "../../../src/ports/table-source.js";
import { describeMysql } from "../../support/describe-mysql.js";
import { describePostgres } from "../../support/describe-postgres.js";
import { startPostgres } from "../../support/postgres-server.js";
import { sqliteFile } from "../../support/sqlite-file.js";
import { mysqlDatabase } from "../mysql/source/mysql-database.js";
import { reader } from "../postgres/destination/loads.js";
import { NEVER_ABORTED, type OpenEngine, withEngine } from "./engine-session.js";
import { LITE, MY, PG } from "./awkward-values.js";
import { randomNumbers } from "./random-queries.js";

const SEED = Number(process.env["MILLRACE_SEED"] ?? 20_261_120);
// So many that an error in one database's words for one type is met; with 60, most of such errors stay unseen.
const QUERIES = Number(process.env["MILLRACE_TRIALS"] ?? 150);

describePostgres("pushdown into Postgres", () => {
  it(`changes no result (seed ${SEED})`, async () => {
    await using server = await startPostgres({ fsync: false });
    const url = await server.createDatabase();
    await using beside = await reader(url);
    const { client } = beside;
    await client.query(`
      create type mood as enum ('z', 'a', 'it''s', 'M');
      create collation ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      create domain pos as int check (value > -100);
      ${["t", "u"]
        .map(
          (name) => `create table ${name} (id int, i2 smallint, i8 bigint, d pos, o oid, f4 real, f8 double precision,
        n numeric(9,2), nn numeric(4,-2), big numeric(38,3), un numeric, s text, v varchar(9), c char(4), ci text collate ci,
        ne name, b bytea, u uuid, day date, tm time, ts timestamp, ts0 timestamp(0), tz timestamptz, e mood, ok boolean, j json, l int[])`,
        )
        .join(";")}`);
    await fill((sql) => client.query(sql), PG, ["t", "u"]);
    const connection = postgres(url);
    try {
      await agrees(connection);
    } finally {
      await connection.close();
    }
  }, 300_000);
});

describeMysql("pushdown into MySQL", () => {
  it(`changes no result (seed ${SEED})`, async () => {
    await using database = await mysqlDatabase();
    for (const name of ["t", "u"]) {
      await database.beside
        .query(`create table ${name} (id int, i1 tinyint(1), i1u tinyint unsigned, i8 bigint, i8u bigint unsigned, y year,
        f4 float, f8 double, n decimal(9,2), big decimal(38,3), wide decimal(60,2), s varchar(40) character set utf8mb4 collate utf8mb4_unicode_ci,
        sb varchar(40) character set utf8mb4 collate utf8mb4_bin, l1 varchar(40) character set latin1, c char(4) character set utf8mb4,
        vb varbinary(20), day date, tm time(3), ts datetime(6), ts0 datetime, tz timestamp(6) null, e enum('z','a','it''s','M'), st set('a','b'), bi bit(9), j json)`);
    }
    await fill((sql) => database.beside.query(sql), MY, ["t", "u"]);
    await agrees(database.connection);
  }, 300_000);
});

it(`pushdown into SQLite changes no result (seed ${SEED})`, async () => {
  await using file = await sqliteFile();
  const beside = new Database(file.path);
  for (const name of ["t", "u"]) {
    beside.exec(`create table ${name} (id integer, f8 real, s text, sn text collate nocase, sr text collate rtrim, b blob, u uuid, day date, tm time, ts timestamp, tz timestamptz,
      ok boolean, n decimal(9,2), j json, free, whatever STRING)`);
  }
  await fill(async (sql) => beside.exec(sql), LITE, ["t", "u"]);
  beside.close();
  const connection = sqlite(file.path);
  try {
    await agrees(connection);
  } finally {
    await connection.close();
  }
}, 300_000);

async function fill(
  run: (sql: string) => Promise<unknown>,
  values: typeof PG,
  tables: readonly string[],
): Promise<void> {
  const random = randomNumbers(SEED);
  const names = Object.keys(values);
  for (const table of tables) {
    const rows = Array.from({ length: 60 }, () =>
      names.map((name) => (random() < 0.12 ? "null" : values[name]![Math.floor(random() * values[name]!.length)]!)),
    );
    for (const row of rows) await run(`insert into ${table} (${names.join(", ")}) values (${row.join(", ")})`);
  }
}

/** The same connection, whose sources are asked for whole rows. */
function whole(connection: Connection): Connection {
  const source = (name: string): TableSource => {
    const own = connection.source!(name)!;
    return {
      schema: (signal) => own.schema(signal),
      scan: ({ columns, signal }: ScanRequest) => own.scan!({ columns, signal }),
    };
  };
  return {
    capabilities: connection.capabilities,
    source,
    check: (s) => connection.check(s),
    close: () => Promise.resolve(),
  };
}

/** The same connection, which tells what its snapshots are asked for. */
function heard(connection: Connection, asked: ScanRequest[]): Connection {
  return {
    capabilities: connection.capabilities,
    source: (name) => connection.source!(name),
    snapshot: async (tables, signal) => {
      const snapshot = await connection.snapshot!(tables, signal);
      const scan: typeof snapshot.scan = (table, request) => {
        asked.push(request);
        return snapshot.scan(table, request);
      };
      return { scan, close: () => snapshot.close() };
    },
    check: (signal) => connection.check(signal),
    close: () => Promise.resolve(),
  };
}

/** Random queries give the same rows whether the database filters them or the engine alone. */
async function agrees(connection: Connection): Promise<void> {
  const schema = (await connection.source!("t")!.schema(NEVER_ABORTED)) as TableSchema;
  const random = randomNumbers(SEED);
  const asked: ScanRequest[] = [];
  await withEngine({ crm: whole(connection) }, (plain) =>
    withEngine({ crm: heard(connection, asked) }, async (pushed) => {
      const constants = new Map<string, string[]>();
      for (const { name, type } of schema.columns) {
        const rows = await plain.rows(
          `select distinct cast(${q(name)} as varchar) as v from crm.t where ${q(name)} is not null and length(cast(${q(name)} as varchar)) < 1000 order by all`,
        );
        constants.set(
          name,
          rows.map(
            ({ v }) =>
              `cast('${String(v).replaceAll("'", "''").replaceAll("\0", "' || chr(0) || '")}' as ${formatDataType(type)})`,
          ),
        );
      }
      const queries = new Queries(random, schema, constants);
      const wrong: string[] = [];
      for (let count = 0; count < QUERIES; count += 1) {
        const { sql, unlimited } = queries.next();
        const [expected, found] = [await shown(plain, sql), await shown(pushed, sql)];
        let same = JSON.stringify(expected) === JSON.stringify(found);
        if (unlimited !== undefined) {
          const all = await shown(plain, unlimited);
          same =
            expected.length === found.length &&
            found.every((row) => {
              const at = all.indexOf(row);
              if (at >= 0) all.splice(at, 1);
              return at >= 0;
            });
        }
        if (!same)
          wrong.push(
            `${sql}\n  expected ${expected.length}: ${expected.join(" ").slice(0, 300)}\n  found ${found.length}: ${found.join(" ").slice(0, 300)}`,
          );
      }
      expect(wrong.length, wrong.slice(0, 8).join("\n\n")).toBe(0);
      // Otherwise the queries would show nothing.
      expect(asked.filter(({ filters }) => filters !== undefined).length).toBeGreaterThan(QUERIES / 3);
    }),
  );
}

async function shown(engine: OpenEngine, sql: string): Promise<string[]> {
  try {
    const rows = await engine.rows(sql);
    return rows
      .map((row) =>
        JSON.stringify(row, (_, value: unknown) =>
          typeof value === "bigint" || typeof value === "number" ? String(value) : value,
        ),
      )
      .sort();
  } catch (error) {
    return [String(error)];
  }
}

const q = (name: string): string => `"${name}"`;

class Queries {
  constructor(
    private readonly random: () => number,
    private readonly schema: TableSchema,
    private readonly constants: ReadonlyMap<string, readonly string[]>,
  ) {}

  next(): { sql: string; unlimited?: string } {
    const shape = this.random();
    if (shape < 0.35)
      return { sql: `select ${this.columns()} from crm.t where ${this.condition("t", this.pick([0, 0, 1, 2]))}` };
    if (shape < 0.45) return { sql: `select count(*) as n from crm.t where ${this.condition("t")}` };
    if (shape < 0.6) {
      const unlimited = `select ${this.columns()} from crm.t where ${this.condition("t", 1)}`;
      return { sql: `${unlimited} limit ${this.pick([1, 3, 10])} offset ${this.pick([0, 2])}`, unlimited };
    }
    if (shape < 0.8) {
      const join = this.pick(["join", "left join", "right join", "full join", "semi join", "anti join"]);
      const on = this.pick(this.schema.columns.filter(({ type }) => type.kind !== "list")).name;
      const right = join.startsWith("semi") || join.startsWith("anti") ? "" : ", b.id as other";
      return {
        sql: `select a.id${right} from crm.t a ${join} crm.${this.pick(["t", "u"])} b on a.${q(on)} = b.${q(on)} and ${this.condition("b", 1)} where ${this.condition("a", 1)}`,
      };
    }
    if (shape < 0.9)
      return {
        sql: `select a.id, (select count(*) from crm.u x where x.id = a.id and ${this.condition("x", 1)}) as n from crm.t a where ${this.condition("a", 1)}`,
      };
    return {
      sql: `select id from crm.t where ${this.condition("t", 1)} ${this.pick(["union", "union all", "except", "intersect"])} select id from crm.u where ${this.condition("u", 1)}`,
    };
  }

  private pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.random() * items.length)]!;
  }

  private columns(): string {
    const names = this.schema.columns.map(({ name }) => name).filter(() => this.random() < 0.15);
    return (names.length === 0 ? ["id"] : names).map(q).join(", ");
  }

  private condition(alias: string, depth = 2): string {
    const chance = this.random();
    if (depth === 0 || chance < 0.45) return this.simple(alias);
    const both = [this.condition(alias, depth - 1), this.condition(alias, depth - 1)];
    return chance < 0.85 ? `(${both.join(chance < 0.65 ? " and " : " or ")})` : `not (${both[0]})`;
  }

  private simple(alias: string): string {
    // Texts are what systems compare in the most different ways.
    const texts = this.schema.columns.filter(({ type }) => type.kind === "text");
    const { name, type } = this.pick(this.pick([texts, this.schema.columns]));
    const column = `${alias}.${q(name)}`;
    const values = this.constants.get(name)!;
    const value = (): string => (this.random() < 0.05 ? "null" : this.pick(values));
    const operator = this.pick(["=", "<>", "<", "<=", ">", ">=", "is distinct from", "is not distinct from"]);
    const text = type.kind === "text" || type.kind === "enum";
    if (text && this.random() < 0.4)
      return `${column} ${this.pick(["like 'a%'", "not like 'a%'", "like 'A%'", "ilike 'a%'", "like 'ÿ%'", "like 'é%'", "like 'ß'", "like '%'", "= 'nothing'", "> 'Z'", "<> 'zz'", "in ('a', 'A', 'q')", "= 'ÿ'", "like '5%'"])}`;
    return this.pick([
      () => `${column} ${operator} ${value()}`,
      () => `${column} ${operator} ${value()}`,
      () => `${value()} ${operator} ${column}`,
      () => `${column} in (${Array.from({ length: this.pick([2, 5]) }, value).join(", ")})`,
      () => `${column} not in (${value()}, ${value()})`,
      () => `${column} between ${value()} and ${value()}`,
      () => `${column} is ${this.pick(["", "not "])}null`,
      () => `cast(${column} as varchar) ${operator} '1'`,
      () => `coalesce(${column}, ${value()}) ${operator} ${value()}`,
      () => `(${column} ${operator} ${value()}) is not true`,
      () => `${alias}.id ${operator} ${this.pick(["1.5", "'2'", "1e3", "2::hugeint", "99999999999999999999"])}`,
      () => `${alias}.f8 ${operator} ${this.pick(["0", "0.1::float", "'nan'", "'-inf'", "9007199254740993"])}`,
      () =>
        `${alias}.day ${operator} ${this.pick(["timestamp '2001-01-01 00:00:01'", "'2001-01-01'", "date 'infinity'"])}`,
      () =>
        `${alias}.ts ${operator} ${this.pick(["date '2001-01-01'", "'2001-01-01 12:00:00.5'", "timestamp_ns '2001-01-01 12:00:00.500000001'"])}`,
      () =>
        `${alias}.tz ${operator} ${this.pick(["date '2001-01-01'", "'2001-01-01 12:00:00+14'", "now()", "timestamp '2001-01-01'"])}`,
      () => `date_trunc('year', ${alias}.ts) ${operator} timestamp '2001-01-01'`,
      () => `cast(${alias}.ts as date) ${operator} date '2001-01-01'`,
    ])();
  }
}
