import { JobError } from "../../../model/job-error.js";
import type { WriteMode } from "../../../model/write-mode.js";
import type { TablePlace } from "./place.js";
import type { WriteSession } from "./write-session.js";

/**
 * A foreign key that follows a deletion would empty, or change, other rows: of another table, or of this one where only
 * some of its rows are deleted.
 *
 * @throws JobError `unsupported_write_mode`.
 */
export async function refuseCascade(
  session: WriteSession,
  { label, database, table }: TablePlace,
  mode: WriteMode["kind"],
): Promise<void> {
  const [found] = await session.query(
    `select constraint_name as name, concat(constraint_schema, '.', table_name) as child
     from information_schema.referential_constraints
     where unique_constraint_schema = ? and referenced_table_name = ?
       and delete_rule in ('CASCADE', 'SET NULL', 'SET DEFAULT')
       and (? or constraint_schema <> unique_constraint_schema or table_name <> referenced_table_name)
     limit 1`,
    database,
    table,
    mode === "overwrite" ? 0 : 1,
  );
  if (found === undefined) return;
  throw new JobError("unsupported_write_mode", {
    message: `To delete rows of "${label}", as ${mode} does, would also change rows of ${found["child"]}, by its foreign key ${found["name"]}.`,
    hint: "Upsert by columns with a unique index of their own, which deletes nothing, or let the foreign key refuse deletions.",
    table: label,
    mode,
  });
}
