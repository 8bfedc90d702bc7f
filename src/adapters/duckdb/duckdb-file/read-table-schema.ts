import { JobError } from "../../../model/job-error.js";
import type { Column, TableSchema } from "../../../model/table-schema.js";
import { dataTypeOfDuckDB } from "../arrow/duckdb-data-type.js";
import type { EngineConnection } from "../engine-connection.js";
import { quoteText, unquoted } from "../quote.js";
import type { TableName } from "./table-name.js";

/**
 * What the table holds; null when it is not there.
 *
 * DuckDB's list of columns is left alone where that can be: it takes ten times as long, since it has those of every view of
 * every database.
 *
 * @throws JobError `destination_resolution_failed` for a view, unless views will do.
 */
export async function readTableSchema(
  connection: EngineConnection,
  catalog: string,
  name: TableName,
  viewsWillDo: boolean,
): Promise<TableSchema | null> {
  const isIt = `database_name = ${quoteText(unquoted(catalog))} and ${name.condition}`;
  const [table] = await connection.read(`select sql from duckdb_tables() where ${isIt}`);
  if (table === undefined) {
    const views = "select *, view_name as table_name from duckdb_views()";
    if ((await connection.read(`select 1 from (${views}) where ${isIt}`)).length === 0) return null;
    if (!viewsWillDo) throw notATable(name);
  }
  const path = `${catalog}.${name.sql}`;
  const shown = await connection.read(`describe ${path}`);
  // Of a generated column that does not show the expression, which the list of columns gives as a default.
  const definition = table?.["sql"];
  const mayBeGenerated = typeof definition === "string" && /generated always/i.test(definition);
  const withExpression = mayBeGenerated
    ? await connection.read(
        `select column_name from duckdb_columns() where ${isIt} and upper(column_default) <> 'NULL'`,
      )
    : [];
  const generated = new Set(withExpression.map((row) => row["column_name"]));
  const statement = await connection.prepare(`from ${path}`);
  const columns = shown.map((row, index): Column => {
    const text = row["default"];
    const hasDefault = typeof text === "string" && text.toUpperCase() !== "NULL";
    return {
      name: statement.columnName(index),
      type: dataTypeOfDuckDB(statement.columnType(index)),
      nullable: row["null"] !== "NO",
      ...(text === null && generated.has(statement.columnName(index)) && { generated: true }),
      ...(hasDefault && { hasDefault }),
      nativeType: String(statement.columnType(index)),
    };
  });
  statement.destroySync();
  return { columns };
}

function notATable({ text }: TableName): JobError<"destination_resolution_failed"> {
  return new JobError("destination_resolution_failed", {
    message: `"${text}" is a view, not a plain table.`,
    hint: "Name a table that rows can be written to.",
    table: text,
  });
}
