import type { DataType } from "../../../model/data-type.js";
import type { TableSchema } from "../../../model/table-schema.js";
import { keysOf, type WriteMode } from "../../../model/write-mode.js";
import { quotedName } from "../quoted-name.js";
import { declaredType } from "./column-storage.js";

/**
 * Texts are compared byte by byte, spaces at the end included, as the query's engine does. MySQL and MariaDB have names of
 * their own for that, and each reads the comment that is meant for it.
 */
const OPTIONS =
  "engine = InnoDB default character set utf8mb4 /*!80017 collate utf8mb4_0900_bin */ /*M!100202 collate utf8mb4_nopad_bin */";

/** An index takes 3,072 bytes, of which a character has up to four. */
const INDEXED_CHARACTERS = 768;
const LONGEST_KEY = 255;

/**
 * The statement that makes a table for these columns. Modes that keep one row for each key make the keys its primary key.
 *
 * @param name as SQL text.
 */
export function tableDefinition(name: string, { columns }: TableSchema, mode: WriteMode): string {
  const keys = mode.kind === "upsert" || mode.kind === "insertOnly" ? keysOf(mode) : [];
  const length = Math.min(LONGEST_KEY, Math.floor(INDEXED_CHARACTERS / keys.length));
  const parts = columns.map((column) => {
    const declared =
      (keys.includes(column.name) ? keyType(column.type, length) : undefined) ?? declaredType(column.type);
    return `${quotedName(column.name)} ${declared ?? ""}`;
  });
  if (keys.length > 0) parts.push(`primary key (${keys.map(quotedName).join(", ")})`);
  return `create table ${name} (\n  ${parts.join(",\n  ")}\n) ${OPTIONS}`;
}

/** What has no length of its own gets one, without which it could be no key. */
function keyType({ kind }: DataType, length: number): string | undefined {
  if (kind === "text" || kind === "json" || kind === "enum") return `varchar(${length})`;
  return kind === "bytes" ? `varbinary(${length})` : undefined;
}
