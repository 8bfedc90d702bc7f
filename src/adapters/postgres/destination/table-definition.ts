import type { TableSchema } from "../../../model/table-schema.js";
import { keysOf, type WriteMode } from "../../../model/write-mode.js";
import { quotedName } from "../quoted-name.js";
import { declaredType } from "./column-storage.js";

/**
 * The statement that makes a table for these columns. Modes that keep one row for each key make the keys its primary key.
 *
 * @param name as SQL text.
 */
export function tableDefinition(name: string, { columns }: TableSchema, mode: WriteMode): string {
  const parts = columns.map((column) => `${quotedName(column.name)} ${declaredType(column.type) ?? ""}`);
  if (mode.kind === "upsert" || mode.kind === "insertOnly") {
    parts.push(`primary key (${keysOf(mode).map(quotedName).join(", ")})`);
  }
  return `create table ${name} (\n  ${parts.join(",\n  ")}\n)`;
}
