import { canonicalJson, type JsonValue } from "../../../model/json.js";
import { stateConflict } from "../../../model/write-refusals.js";
import type { StateChange } from "../../../ports/job-destination.js";
import type { MysqlClient } from "../mysql-client.js";
import { isMade, type OwnTables } from "./own-tables.js";
import type { WriteSession } from "./write-session.js";

/** @param table as the job names it. */
export async function readState(
  client: MysqlClient,
  tables: OwnTables,
  table: string,
  key: string,
): Promise<JsonValue | null> {
  if (!(await isMade(client, tables, "state"))) return null;
  const select = `select value from ${tables.state} where table_name = ? and \`key\` = ?`;
  const [row] = await client.rows(select, table, key);
  return row?.["value"] == null ? null : (JSON.parse(row["value"]) as JsonValue);
}

/** Inside the transaction of the rows. Another one that changes the same state is waited for. */
export async function changeState(
  session: WriteSession,
  tables: OwnTables,
  table: string,
  commitId: string,
  { key, from, to }: StateChange,
): Promise<void> {
  const value = canonicalJson(to);
  if (from === null) {
    const insert = `insert into ${tables.state} (table_name, \`key\`, value, commit_id) values (?, ?, ?, ?)`;
    if (await session.insertNew(insert, table, key, value, commitId)) return;
    throw stateConflict(table, key);
  }
  const [found] = await session.query(
    `select 1 from ${tables.state} where table_name = ? and \`key\` = ? and value = ? for update`,
    table,
    key,
    canonicalJson(from),
  );
  if (found === undefined) throw stateConflict(table, key);
  await session.execute(
    `update ${tables.state} set value = ?, commit_id = ? where table_name = ? and \`key\` = ?`,
    value,
    commitId,
    table,
    key,
  );
}
