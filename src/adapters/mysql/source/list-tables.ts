import type { TableListing } from "../../../ports/connection.js";
import { tablePlace } from "../destination/place.js";
import type { Ask } from "../mysql-client.js";

const READABLE = `
  select table_schema as \`of\`, database() as own, table_name as name, table_type as type from information_schema.tables
  where table_schema = database() and table_type in ('BASE TABLE', 'SYSTEM VERSIONED', 'VIEW') order by table_name`;

export async function listTables(ask: Ask, database: string): Promise<readonly TableListing[]> {
  const rows = await ask(READABLE);
  return rows.flatMap((row): TableListing[] => {
    // The catalogue may compare names ignoring case.
    if (row["of"] !== row["own"]) return [];
    const table = row["name"] ?? "";
    // The first dot of a name ends its database.
    const name = table.includes(".") ? `${database}.${table}` : table;
    if ((name !== table && database.includes(".")) || tablePlace(name, database) === undefined) return [];
    return [{ name, kind: row["type"] === "VIEW" ? "view" : "table" }];
  });
}
