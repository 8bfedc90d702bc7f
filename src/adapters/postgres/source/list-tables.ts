import type { TableListing } from "../../../ports/connection.js";
import { tablePlace } from "../destination/place.js";
import type { Ask } from "../statement-answer.js";

const READABLE = `
  select n.nspname as schema, c.relname as name, c.relkind in ('v', 'm') as view, pg_table_is_visible(c.oid) as visible
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'f', 'v', 'm') and not c.relispartition
    and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and has_schema_privilege(n.oid, 'usage') and has_any_column_privilege(c.oid, 'select')
  order by n.nspname, c.relname`;

/** @param own the schema in which names are found that come without one; undefined: the search path says where. */
export async function listTables(ask: Ask, own: string | undefined): Promise<readonly TableListing[]> {
  const rows = await ask(READABLE);
  return rows.flatMap((row): TableListing[] => {
    const [schema, table] = [row["schema"] ?? "", row["name"] ?? ""];
    const isFound = own === undefined ? row["visible"] === "t" : schema === own;
    // The first dot of a name ends its schema.
    const name = isFound && !table.includes(".") ? table : `${schema}.${table}`;
    if ((name !== table && schema.includes(".")) || tablePlace(name, own) === undefined) return [];
    return [{ name, kind: row["view"] === "t" ? "view" : "table" }];
  });
}
