import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import Database from "better-sqlite3";
import { createConnection } from "mysql2/promise";
import { afterAll, beforeAll } from "vitest";
import { csv, duckdb, rows } from "../../src/adapters/duckdb/entry.js";
import { memory } from "../../src/adapters/memory/memory-connection.js";
import { mysql } from "../../src/adapters/mysql/mysql.js";
import { sqlite } from "../../src/adapters/sqlite/sqlite-connection.js";
import { connectionContract } from "../../src/testing/connection-contract.js";
import { sampleRows, write } from "../../src/testing/destination/destination-fixture.js";
import { fixture } from "../../src/testing/fixture-connection.js";
import { contractSuite } from "../support/contract-suite.js";
import { describeMysql } from "../support/describe-mysql.js";
import { type MariadbServer, startMariadb } from "../support/mariadb-server.js";

const FULL = { table: "t", columns: ["id", "label"], rowCount: 5 };

contractSuite(
  "memory() keeps the promises of a connection",
  connectionContract({
    make: async () => {
      const connection = memory();
      const steps = [sampleRows(1, 3), sampleRows(4, 2)];
      await write(connection.destination!("t")!, { commitId: "a", createIfMissing: true, steps });
      const addRow = async (): Promise<void> => {
        await write(connection.destination!("t")!, { commitId: "b", steps: [sampleRows(6, 1)] });
      };
      return { connection, full: FULL, missingTable: "none", addRow };
    },
  }),
);

contractSuite(
  "fixture() keeps the promises of a connection",
  connectionContract({
    make: async () => ({
      connection: fixture({ t: sampleRows(1, 5), empty: { schema: { columns: [] }, rows: [] } }),
      full: FULL,
      missingTable: "none",
    }),
  }),
);

contractSuite(
  "rows(), with several tables, keeps the promises of a connection",
  connectionContract({
    make: async () => ({
      connection: rows({ t: sampleRows(1, 5), "Two Words": [{ a: 1 }] }),
      full: FULL,
      missingTable: "none",
    }),
  }),
);

contractSuite(
  "csv() keeps the promises of a connection",
  connectionContract({
    make: async () => {
      const folder = await mkdtemp(join(tmpdir(), "millrace-"));
      await writeFile(join(folder, "t.csv"), "id,label\n1,a\n2,b\n");
      return {
        connection: csv(join(folder, "t.csv")),
        full: { table: "", columns: ["id", "label"], rowCount: 2 },
        unreachable: csv(join(folder, "none.csv")),
        dispose: () => rm(folder, { recursive: true }),
      };
    },
  }),
);

for (const access of ["read_only", "read_write"] as const) {
  contractSuite(
    `duckdb(), ${access}, keeps the promises of a connection`,
    connectionContract({
      make: async () => {
        const folder = await mkdtemp(join(tmpdir(), "millrace-"));
        const path = join(folder, "t.duckdb");
        const onFile = async (...statements: readonly string[]): Promise<void> => {
          const instance = await DuckDBInstance.create(path);
          const session = await instance.connect();
          for (const statement of statements) await session.run(statement);
          session.disconnectSync();
          instance.closeSync();
        };
        await onFile(
          "create table t (id integer, label text)",
          "insert into t select id, 'row ' || id from range(1, 6) as r(id)",
          "create schema sales",
          "create table sales.t as select 1 as a",
          "create view big as from t",
        );
        const connection = duckdb(path, { access });
        return {
          connection,
          full: FULL,
          makeTable: async (name) => {
            await onFile(`create table "${name.replaceAll('"', '""')}" as select 1 as a`);
            return true;
          },
          missingTable: "none",
          unreachable: duckdb(join(folder, "nowhere", "t.duckdb"), { access }),
          dispose: async () => {
            await connection.close();
            await rm(folder, { recursive: true });
          },
        };
      },
    }),
  );

  contractSuite(
    `sqlite(), ${access}, keeps the promises of a connection`,
    connectionContract({
      make: async () => {
        const folder = await mkdtemp(join(tmpdir(), "millrace-"));
        const path = join(folder, "t.db");
        const database = new Database(path);
        database.pragma("journal_mode = wal");
        database.exec("create table t (id integer, label text)");
        const insert = database.prepare("insert into t values (?, ?)");
        const addRow = async (): Promise<void> => void insert.run(6n, "row 6");
        for (const { id, label } of sampleRows(1, 5)) insert.run(BigInt(id as number), label);
        await mkdir(join(folder, "folder.db"));
        const connection = sqlite(path, { access });
        const unreachable = sqlite(join(folder, "folder.db"), { access });
        const dispose = async (): Promise<void> => {
          await connection.close();
          database.close();
          await rm(folder, { recursive: true });
        };
        const makeTable = async (name: string): Promise<boolean> => {
          database.exec(`create table "${name.replaceAll('"', '""')}" as select 1 as a`);
          return true;
        };
        return { connection, full: FULL, addRow, makeTable, missingTable: "none", unreachable, dispose };
      },
    }),
  );
}

describeMysql("on MySQL or MariaDB", () => {
  let server: MariadbServer;

  beforeAll(async () => {
    server = await startMariadb({ fsync: false });
  });

  afterAll(() => server[Symbol.asyncDispose]());

  contractSuite(
    "mysql() keeps the promises of a connection",
    connectionContract({
      make: async () => {
        const url = await server.createDatabase();
        const session = await createConnection(url);
        await session.query("create table t (id bigint, label varchar(20))");
        const addRow = async (id = 6): Promise<void> =>
          void (await session.query("insert into t values (?, concat('row ', ?))", [id, id]));
        for (const { id } of sampleRows(1, 5)) await addRow(id as number);
        const connection = mysql(url);
        const unreachable = mysql(Object.assign(new URL(url), { password: "wrong-and-s3cret" }).href);
        const dispose = async (): Promise<void> => {
          await connection.close();
          await session.end();
        };
        const makeTable = async (name: string): Promise<boolean> => {
          await session.query(`create table \`${name.replaceAll("`", "``")}\` as select 1 as a`);
          return true;
        };
        return { connection, full: FULL, addRow, makeTable, missingTable: "none", unreachable, dispose };
      },
    }),
  );
});
