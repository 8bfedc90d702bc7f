import { canonicalJson, type JsonValue } from "../../../model/json.js";
import type { CommitId } from "../../../model/write-mode.js";
import { stateConflict } from "../../../model/write-refusals.js";
import type { StateChange } from "../../../ports/job-destination.js";
import { quoteText, unquoted } from "../quote.js";
import type { Run } from "./commit-log.js";
import type { TableName } from "./table-name.js";

/** What each job remembers beside the rows of a table, as JSON. */
export const STATE_TABLE = "_millrace_state";

export function makeStateTable(catalog: string): string {
  return `create table if not exists ${catalog}.main.${STATE_TABLE} (
    key varchar primary key, value varchar not null, commit_id varchar not null)`;
}

export async function hasStateTable(run: Run, catalog: string): Promise<boolean> {
  const database = quoteText(unquoted(catalog));
  const rows = await run(
    `select 1 from duckdb_tables() where database_name = ${database} and schema_name = 'main' and table_name = '${STATE_TABLE}'`,
  );
  return rows.length > 0;
}

/** Null when there is none. The table of states must be there. */
export async function readJobState(
  run: Run,
  catalog: string,
  table: TableName,
  key: string,
): Promise<JsonValue | null> {
  const [row] = await run(`select value from ${catalog}.main.${STATE_TABLE} where key = ${keyLiteral(table, key)}`);
  return row === undefined ? null : (JSON.parse(String(row["value"])) as JsonValue);
}

/**
 * Inside a write's transaction. Two at once that change one state meet at its row: the later commit fails.
 *
 * @throws JobError `state_conflict` when what is stored is not what the change is from.
 */
export async function changeJobState(
  run: Run,
  catalog: string,
  table: TableName,
  { key, from, to }: StateChange,
  commitId: CommitId,
): Promise<void> {
  const stored = await readJobState(run, catalog, table, key);
  if (canonicalJson(stored) !== canonicalJson(from)) throw stateConflict(table.text, key);
  const row = [keyLiteral(table, key), quoteText(canonicalJson(to)), quoteText(commitId)];
  await run(`insert or replace into ${catalog}.main.${STATE_TABLE} values (${row.join(", ")})`);
}

/** Kept as JSON, which escapes the NUL: DuckDB would end its reading of the statement there. */
function keyLiteral(table: TableName, key: string): string {
  return quoteText(JSON.stringify([table.key, key]));
}
