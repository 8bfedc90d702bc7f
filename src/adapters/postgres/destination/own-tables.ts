import type { PostgresClient } from "../driver.js";
import { asking } from "../statement-answer.js";

/** What Millrace keeps beside the data, as SQL text. */
export interface OwnTables {
  /**
   * What became of each commit: a row was stored by the transaction that stored the rows. A `never` row is a fence: a
   * writer of that commit that comes later fails on the same key. Rows are kept for good, since one that is gone can
   * prove nothing.
   */
  readonly commits: string;
  /** What jobs remember: one row for each job and table. */
  readonly state: string;
}

/** @param schema quoted; undefined: the search path finds them, or says where they are made. */
export function ownTables(schema: string | undefined): OwnTables {
  const prefix = schema === undefined ? "" : `${schema}.`;
  return { commits: `${prefix}_millrace_commits`, state: `${prefix}_millrace_state` };
}

/** Two that make one table at once meet in the catalogue, where one of them fails. */
const ALONE = "select pg_advisory_xact_lock(hashtextextended('millrace', 0))";

/** Makes what is not there yet, in a transaction of its own. */
export async function makeOwnTables(
  client: PostgresClient,
  tables: OwnTables,
  wanted: readonly (keyof OwnTables)[],
): Promise<void> {
  for (const table of wanted) {
    const [found] = await asking(client)("select to_regclass($1) as oid", tables[table]);
    if (found?.["oid"] != null) continue;
    await client.query({
      text: `begin; ${ALONE}; create table if not exists ${tables[table]} ${COLUMNS[table]}; commit`,
    });
  }
}

const COLUMNS: Readonly<Record<keyof OwnTables, string>> = {
  commits: `(
    commit_id text primary key,
    state text not null check (state in ('committed', 'never')),
    table_name text,
    rows_written bigint not null default 0,
    at timestamptz not null default clock_timestamp()
  )`,
  state: `(
    table_name text not null,
    key text not null,
    value text not null,
    commit_id text not null,
    primary key (table_name, key)
  )`,
};
