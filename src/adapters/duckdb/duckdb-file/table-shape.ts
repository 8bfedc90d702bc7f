import { JobError } from "../../../model/job-error.js";
import type { Column, TableSchema } from "../../../model/table-schema.js";
import { dataTypeOfDuckDB } from "../arrow/duckdb-data-type.js";
import type { EngineConnection } from "../engine-connection.js";
import { quoteText, unquoted } from "../quote.js";
import type { TableName } from "./table-name.js";

/** What a table is at one moment. */
export interface TableShape {
  /** Equal as long as the table has the same columns. */
  readonly fingerprint: string;
  /**
   * Null when the table is not there.
   *
   * @throws JobError `destination_resolution_failed` for a view, unless views will do.
   */
  readonly schema: (viewsWillDo?: boolean) => TableSchema | null;
}

/** A statement whose rows are a table's fingerprint, and hold what is declared of its columns. */
export function fingerprintQuery(catalog: string, { condition }: TableName): string {
  return `select column_name, data_type, is_nullable, column_default, (select view_name from duckdb_views() v
      where v.database_name = c.database_name and v.schema_name = c.schema_name and v.view_name = c.table_name) as view
    from duckdb_columns() c where database_name = ${quoteText(unquoted(catalog))} and ${condition} order by column_index`;
}

export async function readTableShape(
  connection: EngineConnection,
  catalog: string,
  name: TableName,
): Promise<TableShape> {
  const declared = await connection.read(fingerprintQuery(catalog, name));
  const fingerprint = JSON.stringify(declared);
  if (declared.length === 0) return { fingerprint, schema: () => null };
  const path = `${catalog}.${name.sql}`;
  // Of a generated column it does not show the expression, which the catalogue gives as a default.
  const shown = await connection.read(`describe ${path}`);
  const statement = await connection.prepare(`from ${path}`);
  const columns = declared.map((row, index): Column => {
    const text = row["column_default"];
    const hasExpression = typeof text === "string" && text.toUpperCase() !== "NULL";
    const generated = hasExpression && shown[index]?.["default"] === null;
    return {
      name: statement.columnName(index),
      type: dataTypeOfDuckDB(statement.columnType(index)),
      nullable: row["is_nullable"] !== false,
      ...(generated ? { generated } : hasExpression && { hasDefault: true }),
      nativeType: String(statement.columnType(index)),
    };
  });
  statement.destroySync();
  const isView = declared[0]?.["view"] !== null;
  return {
    fingerprint,
    schema: (viewsWillDo = false) => {
      if (isView && !viewsWillDo) throw notATable(name);
      return { columns };
    },
  };
}

function notATable({ text }: TableName): JobError<"destination_resolution_failed"> {
  return new JobError("destination_resolution_failed", {
    message: `"${text}" is a view, not a plain table.`,
    hint: "Name a table that rows can be written to.",
    table: text,
  });
}
