import { dataTypeOfDuckDB } from "../arrow/duckdb-data-type.js";
import type { EngineConnection } from "../engine-connection.js";
import type { FoundTable } from "../found-table.js";
import { quoteIdentifier } from "../quote.js";
import type { ScannedTable } from "../scanned-tables.js";
import { keptColumns } from "../working-tables.js";
import type { PlannedColumn } from "./plan-filter.js";

/** A table as a query calls it, and its columns as DuckDB keeps them. */
export interface StandIn {
  readonly path: readonly string[];
  readonly columns: readonly PlannedColumn[];
}

/** What stands in for a query's tables while it is planned. Those that are not scanned are looked up by their names. */
export async function standInsFor(
  connection: EngineConnection,
  tables: readonly FoundTable[],
  scanned: readonly ScannedTable[],
): Promise<readonly StandIn[]> {
  const standIns: StandIn[] = [];
  for (const { name, connection: root, segments } of tables) {
    const path = [root, ...segments];
    const known = scanned.find((table) => table.name === name);
    standIns.push({ path, columns: known ? keptColumns(known.schema) : await columnsOf(connection, path) });
  }
  return standIns;
}

async function columnsOf(connection: EngineConnection, path: readonly string[]): Promise<readonly PlannedColumn[]> {
  const statement = await connection.prepare(`from ${path.map(quoteIdentifier).join(".")}`);
  try {
    return Array.from({ length: statement.columnCount }, (_, index) => {
      return { name: statement.columnName(index), type: dataTypeOfDuckDB(statement.columnType(index)) };
    });
  } finally {
    statement.destroySync();
  }
}
