import pg from "pg";
import type { Connection, WriteMode } from "millrace";
import { postgres } from "millrace/postgres";
import { postgresMissing, startPostgres } from "../support/postgres-server.js";
import { contest, type Contest, type Opponent } from "./contest.js";
import type { Figure } from "./figure.js";
import { databaseTables, type LoadTable, makeTable, secondsOf, secondsOfLoad } from "./load-tables.js";
import { notMeasured, programMissing, runProgram } from "./program.js";
import { columnsOf, readyFile } from "./ready-rows.js";
import { secondsByHand } from "./rows-by-hand.js";
import { scaled } from "./scale.js";
import { inTemporaryFolder } from "./temporary-folder.js";

/** What a server of this size is set to; the rest is Postgres' default, with a commit on disk when it is answered. */
export const POSTGRES_SETTINGS = { shared_buffers: "1GB", max_wal_size: "8GB", checkpoint_timeout: "30min" };

const MEMORY_MB = 512;
const ROWS_BY_HAND = scaled(200_000);

/** Whole runs into Postgres, beside `psql \copy` of the same rows from a ready CSV file, and INSERTs by hand. */
export async function postgresLoads(): Promise<readonly Figure[]> {
  const missing = postgresMissing() ?? programMissing("psql");
  if (missing !== undefined) {
    notMeasured(missing);
    return [];
  }
  await using server = await startPostgres({ settings: POSTGRES_SETTINGS });
  const url = await server.createDatabase();
  return await inTemporaryFolder(async (folder) => {
    const { flights, strings, wide } = await databaseTables(folder);
    const figures: Figure[] = [];
    const measure = async (table: LoadTable, loads: readonly Load[]): Promise<void> => {
      const csv = await readyFile(table, folder, "csv");
      for (const load of loads) figures.push(...(await contest(await postgresLoad(url, table, csv, load))));
    };
    await measure(flights, [{ bound: 1.4, byHand: true }]);
    await measure(strings, [
      { bound: 1.7, byHand: true },
      { bound: 1.3, how: "with a primary key", key: "id" },
      { bound: 1, how: "by overwrite", mode: { kind: "overwrite" } },
      { bound: 1, how: "by upsert", key: "id", mode: { kind: "upsert", keys: ["id"] } },
    ]);
    await measure(wide, [{ bound: 1.7, byHand: true }]);
    return figures;
  });
}

interface Load {
  /** Beside `psql \copy`. */
  readonly bound: number;
  readonly how?: string;
  /** The column that is the table's primary key, on both sides. */
  readonly key?: string;
  /** Default: append. */
  readonly mode?: WriteMode;
  readonly byHand?: boolean;
}

async function postgresLoad(
  url: string,
  table: LoadTable,
  csv: string,
  { bound, how = "by append", key, mode = { kind: "append" }, byHand = false }: Load,
): Promise<Contest> {
  await ask(url, "drop table if exists t");
  await makeTable(table, writable(url));
  if (key !== undefined) await ask(url, `alter table t add primary key (${key})`);
  const psql: Opponent = {
    name: "psql \\copy",
    bound,
    load: async () => {
      await emptied(url);
      const copy = `\\copy t from '${csv}' with (format csv)`;
      const seconds = await secondsOf(() => runProgram("psql", ["-X", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", copy]));
      await counted(url, table.rows);
      return seconds;
    },
  };
  return {
    name: `${table.name} into Postgres ${how}`,
    rows: table.rows,
    stallBoundMs: 50,
    memoryBoundMb: MEMORY_MB,
    ours: async (watch) => {
      await emptied(url);
      return secondsOfLoad(table, writable(url), { table: "out.t", mode }, watch);
    },
    others: [
      psql,
      ...(byHand ? [inserts(url, table)] : []),
      ...(mode.kind === "upsert" && key !== undefined ? [await stagedByHand(url, table, csv, key)] : []),
    ],
  };
}

/** An upsert as one writes it for psql: a copy into a temporary table, and INSERT ... ON CONFLICT from there. */
async function stagedByHand(url: string, table: LoadTable, csv: string, key: string): Promise<Opponent> {
  const others = (await columnsOf(table)).map(({ name }) => name).filter((name) => name !== key);
  const replaced = others.map((name) => `"${name}" = excluded."${name}"`).join(", ");
  const steps = [
    "create temp table stage (like t)",
    `\\copy stage from '${csv}' with (format csv)`,
    `insert into t select * from stage on conflict (${key}) do update set ${replaced}`,
  ];
  return {
    name: "psql \\copy and ON CONFLICT",
    load: async () => {
      await emptied(url);
      const commands = steps.flatMap((step) => ["-c", step]);
      const seconds = await secondsOf(() =>
        runProgram("psql", ["-X", "-1", "-v", "ON_ERROR_STOP=1", "-d", url, ...commands]),
      );
      await counted(url, table.rows);
      return seconds;
    },
  };
}

/** One statement with a thousand rows of parameters after the other, in one transaction. */
function inserts(url: string, table: LoadTable): Opponent {
  return {
    name: "INSERTs of 1,000 rows",
    bound: 10,
    rows: ROWS_BY_HAND,
    load: async () => {
      await emptied(url);
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      const seconds = await secondsByHand(table, ROWS_BY_HAND, async (thousands) => {
        await client.query("begin");
        for await (const rows of thousands) {
          let place = 0;
          const values = rows.map((row) => `(${row.map(() => `$${(place += 1)}`).join(", ")})`).join(", ");
          await client.query(`insert into t values ${values}`, rows.flat());
        }
        await client.query("commit");
      });
      await client.end();
      await counted(url, ROWS_BY_HAND);
      return seconds;
    },
  };
}

function writable(url: string): Connection {
  return postgres(url, { access: "read_write" });
}

async function emptied(url: string): Promise<void> {
  await ask(url, "truncate t");
  // The checkpoint of one load is no cost of the next.
  await ask(url, "checkpoint");
}

async function counted(url: string, expected: number): Promise<void> {
  const [row] = await ask(url, "select count(*)::integer as rows from t");
  if (row?.["rows"] !== expected) throw new Error(`${String(row?.["rows"])} rows are there, and not ${expected}`);
}

async function ask(url: string, text: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client
    .query<Record<string, unknown>>(text)
    .then(({ rows }) => rows)
    .finally(() => client.end());
}
