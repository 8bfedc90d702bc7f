import type { TableListing } from "../../../ports/connection.js";
import type { EngineConnection } from "../engine-connection.js";
import { quoteText, unquoted } from "../quote.js";
import { tableNameIn } from "./table-name.js";

/** The tables and views of an attached file that have a name by which they are read. */
export async function listTables(connection: EngineConnection, catalog: string): Promise<readonly TableListing[]> {
  const isIn = `where database_name = ${quoteText(unquoted(catalog))} and not internal`;
  const rows = await connection.read(`
    select schema_name as "schema", table_name as "table", 'table' as kind from duckdb_tables() ${isIn}
    union all select schema_name, view_name, 'view' from duckdb_views() ${isIn}`);
  return rows.flatMap(({ schema, table, kind }): TableListing[] => {
    if (typeof schema !== "string" || typeof table !== "string") return [];
    const name = schema === "main" ? table : `${schema}.${table}`;
    // A name with a dot in it would be taken for that of another table.
    if (`${schema}${table}`.includes(".") || tableNameIn(name)?.isReserved !== false) return [];
    return [{ name, kind: kind === "view" ? "view" : "table" }];
  });
}
