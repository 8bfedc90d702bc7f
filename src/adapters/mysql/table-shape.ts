import { JobError } from "../../model/job-error.js";
import type { Column, TableSchema } from "../../model/table-schema.js";
import type { Ask, TextRow } from "./mysql-client.js";
import { dataTypeOfNative } from "./native-type.js";

/** Where a table is, by names as they are. */
export interface TableName {
  readonly database: string;
  readonly table: string;
}

/** A table that is there. */
export interface TableShape {
  readonly schema: TableSchema;
  /** The column that numbers its rows itself. */
  readonly numbered: string | undefined;
}

const RELATION = `
  select table_type as type, engine as engine
  from information_schema.tables where table_schema = ? and table_name = ?`;

const COLUMNS = `
  select column_name as name, column_type as type, is_nullable as nullable, extra as extra,
    column_default is not null as given
  from information_schema.columns where table_schema = ? and table_name = ? order by ordinal_position`;

/**
 * The table of this name, or null when there is none.
 *
 * @throws JobError `destination_resolution_failed` for a view, and for a table of an engine that cannot take rows back.
 */
export async function readTableShape(ask: Ask, { database, table }: TableName): Promise<TableShape | null> {
  const [found] = await ask(RELATION, database, table);
  if (found === undefined) return null;
  const why = unwritable(found);
  if (why !== undefined) {
    throw new JobError("destination_resolution_failed", {
      message: `\`${database}\`.\`${table}\` ${why}.`,
      hint: "Name a table of the engine InnoDB; alter table … engine = InnoDB turns one into it.",
      table,
    });
  }
  const columns = await ask(COLUMNS, database, table);
  return {
    schema: { columns: columns.map(columnOf) },
    numbered: columns.find(isNumbered)?.["name"] ?? undefined,
  };
}

const TABLES: ReadonlySet<string> = new Set(["BASE TABLE", "SYSTEM VERSIONED"]);

function unwritable({ type, engine }: TextRow): string | undefined {
  if (!TABLES.has(type ?? "")) return "is no table";
  return engine === "InnoDB" ? undefined : `is of the engine ${engine ?? "unknown"}, which cannot take rows back`;
}

function columnOf(row: TextRow): Column {
  const nativeType = row["type"] ?? "";
  // MySQL marks a default that is computed as `DEFAULT_GENERATED`.
  const generated = /\b(VIRTUAL|STORED|PERSISTENT)\b/i.test(row["extra"] ?? "");
  return {
    name: row["name"] ?? "",
    type: dataTypeOfNative(nativeType),
    nullable: row["nullable"] === "YES",
    ...((row["given"] === "1" || isNumbered(row)) && { hasDefault: true }),
    ...(generated && { generated: true }),
    nativeType,
  };
}

function isNumbered({ extra }: TextRow): boolean {
  return /\bauto_increment\b/i.test(extra ?? "");
}
