import { connect } from "@lancedb/lancedb";
import { batchRows } from "../../../src/model/batch-values.js";
import { tableSchemaOfArrow } from "../../../src/adapters/arrow/arrow-fields.js";
import type { TableSchema } from "../../../src/model/table-schema.js";

/** The rows of a table by plain lancedb, hidden column left out; null when it is not there. */
export async function readPlainly(folder: string, table: string): Promise<Record<string, unknown>[] | null> {
  const database = await connect(folder);
  try {
    if (!(await database.tableNames()).includes(table)) return null;
    const opened = await database.openTable(table);
    const columns: TableSchema = tableSchemaOfArrow(await opened.schema());
    const rows: Record<string, unknown>[] = [];
    for await (const batch of opened.query()) rows.push(...batchRows(batch, columns));
    for (const row of rows) delete row["_commit"];
    return rows;
  } finally {
    database.close();
  }
}
