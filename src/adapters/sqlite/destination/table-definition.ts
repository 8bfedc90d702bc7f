import type { TableSchema } from "../../../model/table-schema.js";
import { declaredType } from "./column-storage.js";
import { quotedName } from "../quoted-name.js";

/** The statement that makes a table for these columns. */
export function tableDefinition(table: string, { columns }: TableSchema): string {
  const parts = columns.map(({ name, type }) => `${quotedName(name)} ${declaredType(type) ?? ""}`);
  return `create table main.${quotedName(table)} (\n  ${parts.join(",\n  ")}\n)`;
}
