import { canonicalJson, type JsonValue } from "../../../model/json.js";
import { stateConflict } from "../../../model/write-refusals.js";
import type { StateChange } from "../../../ports/job-destination.js";
import type { Ask } from "../statement-answer.js";
import type { OwnTables } from "./own-tables.js";
import type { WriteSession } from "./write-session.js";

/** @param table as the job names it. */
export async function readState(ask: Ask, tables: OwnTables, table: string, key: string): Promise<JsonValue | null> {
  const [there] = await ask("select to_regclass($1) as oid", tables.state);
  if (there?.["oid"] == null) return null;
  const [row] = await ask(`select value from ${tables.state} where table_name = $1 and key = $2`, table, key);
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
  const values = [table, key, canonicalJson(to), commitId];
  const changed =
    from === null
      ? await session.execute(
          `insert into ${tables.state} (table_name, key, value, commit_id) values ($1, $2, $3, $4) on conflict do nothing`,
          ...values,
        )
      : await session.execute(
          `update ${tables.state} set value = $3, commit_id = $4 where table_name = $1 and key = $2 and value = $5`,
          ...values,
          canonicalJson(from),
        );
  if (changed !== 1) throw stateConflict(table, key);
}
