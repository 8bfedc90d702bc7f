import Database from "better-sqlite3";
import pg from "pg";

/** The tables of a ledger as the database has them, reached without the store. */
export interface LedgerTablesAccess extends AsyncDisposable {
  readonly kind: "SQLite" | "Postgres";
  execute(sql: string): Promise<void>;
  /** The first column of the rows, as numbers. */
  numbers(sql: string): Promise<readonly number[]>;
  /** The indexes of the runs that no constraint made: their names, and the statements that make them. */
  indexes(): Promise<readonly { readonly name: string; readonly sql: string }[]>;
  /** Reads these runs with their definitions by the primary key, in one prepared statement; resolves to how many were there. */
  readByKey(seqs: readonly number[]): Promise<number>;
  /** What the database would do by itself in time: statistics, maps of the pages, and no work left over from the filling. */
  settle(): Promise<void>;
}

export function sqliteTables(path: string): LedgerTablesAccess {
  const database = new Database(path);
  // A ledger that is lost in a crash of the bench is made again.
  database.pragma("synchronous = off");
  return {
    kind: "SQLite",
    execute: async (sql) => void database.exec(sql),
    numbers: async (sql) => database.prepare<[], number>(sql).pluck().all(),
    indexes: async () =>
      database
        .prepare<[], { name: string; sql: string }>(
          "select name, sql from sqlite_master where type = 'index' and tbl_name = 'millrace_runs' and sql is not null",
        )
        .all(),
    readByKey: (() => {
      const statements = new Map<number, Database.Statement<number[]>>();
      return async (seqs) => {
        const statement =
          statements.get(seqs.length) ?? database.prepare<number[]>(byKey(`in (${seqs.map(() => "?").join(", ")})`));
        statements.set(seqs.length, statement);
        return statement.all(...seqs).length;
      };
    })(),
    settle: async () => void database.pragma("wal_checkpoint(truncate)"),
    [Symbol.asyncDispose]: async () => void database.close(),
  };
}

export async function postgresTables(url: string): Promise<LedgerTablesAccess> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return {
    kind: "Postgres",
    execute: async (sql) => void (await client.query(sql)),
    numbers: async (sql) => {
      const { rows } = await client.query<unknown[]>({ text: sql, rowMode: "array" });
      return rows.map(([first]) => Number(first));
    },
    indexes: async () => {
      const text = `select indexname as name, indexdef as sql from pg_indexes
        where tablename = 'millrace_runs' and indexname not in (select conname from pg_constraint)`;
      return (await client.query<{ name: string; sql: string }>(text)).rows;
    },
    readByKey: async (seqs) => {
      const { rowCount } = await client.query({ name: "by_key", text: byKey("= any($1)"), values: [seqs] });
      return rowCount ?? 0;
    },
    settle: async () => {
      await client.query("vacuum analyze");
      await client.query("checkpoint");
    },
    [Symbol.asyncDispose]: () => client.end(),
  };
}

function byKey(condition: string): string {
  return `select * from millrace_runs r join millrace_run_definitions d on d.run_seq = r.seq where r.seq ${condition}`;
}
