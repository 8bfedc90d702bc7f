import type { MysqlClient } from "../mysql-client.js";
import { quotedName } from "../quoted-name.js";

/** What Millrace keeps beside the data, as SQL text. */
export interface OwnTables {
  readonly database: string;
  /**
   * What became of each commit: a row was stored by the transaction that stored the rows. A `never` row is a fence: a
   * writer of that commit that comes later fails on the same key. Rows are kept for good, since one that is gone can
   * prove nothing.
   */
  readonly commits: string;
  /** What jobs remember: one row for each job and table. */
  readonly state: string;
}

type OwnTable = "commits" | "state";

/** @param database that of the connection. */
export function ownTables(database: string): OwnTables {
  const named = (table: OwnTable): string => `${quotedName(database)}.${quotedName(NAMES[table])}`;
  return { database, commits: named("commits"), state: named("state") };
}

const NAMES = { commits: "_millrace_commits", state: "_millrace_state" } as const;

export async function isMade(client: MysqlClient, { database }: OwnTables, table: OwnTable): Promise<boolean> {
  const found = await client.rows(
    "select 1 from information_schema.tables where table_schema = ? and table_name = ?",
    database,
    NAMES[table],
  );
  return found.length > 0;
}

/** Makes what is not there yet. Looks first, since who may not make tables may find them made. */
export async function makeOwnTables(
  client: MysqlClient,
  tables: OwnTables,
  wanted: readonly OwnTable[],
): Promise<void> {
  for (const table of wanted) {
    if (await isMade(client, tables, table)) continue;
    await client.ask(`create table if not exists ${tables[table]} ${COLUMNS[table]} ${OPTIONS}`);
  }
}

const OPTIONS = "engine = InnoDB default character set utf8mb4 collate utf8mb4_bin";

const COLUMNS: Readonly<Record<OwnTable, string>> = {
  commits: `(
    commit_id varchar(255) not null primary key,
    state varchar(9) not null,
    table_name varchar(160),
    rows_written bigint not null default 0,
    at timestamp(6) not null default current_timestamp(6)
  )`,
  state: `(
    table_name varchar(160) not null,
    \`key\` varchar(255) not null,
    value longtext not null,
    commit_id varchar(255) not null,
    primary key (table_name, \`key\`)
  )`,
};
