import { formatDataType } from "../../../model/data-type.js";
import type { TableSchema } from "../../../model/table-schema.js";
import { quoteIdentifier } from "../quote.js";
import { keptColumns } from "../working-tables.js";
import type { TableName } from "./table-name.js";

/**
 * The statements that make a table for these columns, and its schema where that is not there.
 *
 * @param catalog quoted, with a dot behind it. Default: the file's own, as who opens it sees it.
 */
export function tableDefinition(table: TableName, schema: TableSchema, catalog = ""): string {
  const columns = keptColumns(schema).map(({ name, type }) => `  ${quoteIdentifier(name)} ${formatDataType(type)}`);
  const inSchema = table.schemaKey === undefined ? "" : `create schema if not exists ${catalog}${table.schema};\n`;
  return `${inSchema}create table ${catalog}${table.sql} (\n${columns.join(",\n")}\n)`;
}
