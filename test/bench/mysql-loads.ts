import { createConnection } from "mysql2/promise";
import type { Connection } from "millrace";
import { mysql } from "millrace/mysql";
import { mysqlMissing, startMariadb } from "../support/mariadb-server.js";
import { contest, type Contest, type Opponent } from "./contest.js";
import type { Figure } from "./figure.js";
import { databaseTables, type LoadTable, makeTable, secondsOf, secondsOfLoad } from "./load-tables.js";
import { mariadbArguments, mariadbPassword } from "./mariadb-client.js";
import { notMeasured, programMissing, runProgram } from "./program.js";
import { readyFile } from "./ready-rows.js";
import { secondsByHand } from "./rows-by-hand.js";
import { scaled } from "./scale.js";
import { inTemporaryFolder } from "./temporary-folder.js";

/** What a server of this size is set to; the rest is MariaDB's default, with a commit on disk when it is answered. */
export const MARIADB_SETTINGS = { innodb_buffer_pool_size: "2G", innodb_log_file_size: "1G" };

const MEMORY_MB = 512;
const ROWS_BY_HAND = scaled(200_000);

/** Whole runs into MariaDB, beside the client's LOAD DATA LOCAL INFILE of a ready file, and INSERTs by hand. */
export async function mysqlLoads(): Promise<readonly Figure[]> {
  const missing = mysqlMissing() ?? programMissing("mariadb");
  if (missing !== undefined) {
    notMeasured(missing);
    return [];
  }
  await using server = await startMariadb({ settings: MARIADB_SETTINGS });
  const url = await server.createDatabase();
  return await inTemporaryFolder(async (folder) => {
    const figures: Figure[] = [];
    for (const table of Object.values(await databaseTables(folder))) {
      figures.push(...(await contest(await mysqlLoad(url, table, await readyFile(table, folder, "tab")))));
    }
    return figures;
  });
}

async function mysqlLoad(url: string, table: LoadTable, file: string): Promise<Contest> {
  await ask(url, "drop table if exists t");
  await makeTable(table, writable(url));
  return {
    name: `${table.name} into MariaDB`,
    rows: table.rows,
    stallBoundMs: 50,
    memoryBoundMb: MEMORY_MB,
    ours: async (watch) => {
      await ask(url, "truncate t");
      return secondsOfLoad(table, writable(url), { table: "out.t" }, watch);
    },
    others: [loadData(url, table, file), inserts(url, table)],
  };
}

function loadData(url: string, table: LoadTable, file: string): Opponent {
  return {
    name: "LOAD DATA LOCAL INFILE",
    bound: 0.93,
    load: async () => {
      await ask(url, "truncate t");
      const load = `load data local infile '${file}' into table t character set utf8mb4`;
      const args = [...mariadbArguments(url), "--local-infile=1", "-e", load];
      const seconds = await secondsOf(() => runProgram("mariadb", args, mariadbPassword(url)));
      await counted(url, table.rows);
      return seconds;
    },
  };
}

/** One statement with a thousand rows of values after the other, in one transaction. */
function inserts(url: string, table: LoadTable): Opponent {
  return {
    name: "INSERTs of 1,000 rows",
    bound: 2.5,
    rows: ROWS_BY_HAND,
    load: async () => {
      await ask(url, "truncate t");
      const connection = await createConnection(url);
      const seconds = await secondsByHand(table, ROWS_BY_HAND, async (thousands) => {
        await connection.beginTransaction();
        for await (const rows of thousands) await connection.query("insert into t values ?", [rows]);
        await connection.commit();
      });
      await connection.end();
      await counted(url, ROWS_BY_HAND);
      return seconds;
    },
  };
}

function writable(url: string): Connection {
  return mysql(url, { access: "read_write" });
}

async function counted(url: string, expected: number): Promise<void> {
  const rows = JSON.stringify(await ask(url, "select count(*) as n from t"));
  if (rows !== JSON.stringify([{ n: expected }])) throw new Error(`${rows} rows are there, and not ${expected}`);
}

async function ask(url: string, text: string): Promise<unknown> {
  const connection = await createConnection(url);
  return connection
    .query(text)
    .then(([rows]) => rows)
    .finally(() => connection.end());
}
