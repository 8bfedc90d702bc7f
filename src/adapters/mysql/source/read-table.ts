import type { DataType } from "../../../model/data-type.js";
import type { Column, TableSchema } from "../../../model/table-schema.js";
import type { Ask, TextRow } from "../mysql-client.js";
import { dataTypeOfNative, type NativeType, parseNativeType } from "../native-type.js";
import type { TableName } from "../table-shape.js";
import type { MysqlReadOptions } from "./read-options.js";

/** A table or a view as it is read. */
export interface ReadTable {
  readonly columns: readonly ReadColumn[];
}

export interface ReadColumn extends Column {
  readonly native: NativeType;
  /** Of a text column, with the collation by which the server compares it. */
  readonly charset: string | null;
  readonly collation: string | null;
  /** Dates without a year, a month or a day are read as null. */
  readonly zeroIsNull: boolean;
}

const COLUMNS = `
  select table_name as \`of\`, column_name as name, column_type as type, is_nullable as nullable, extra as extra,
    character_set_name as charset, collation_name as collation
  from information_schema.columns where table_schema = ? and table_name = ? order by ordinal_position`;

/** Null when there is no table and no view of exactly this name, or none that this user may read. */
export async function readTable(
  ask: Ask,
  { database, table }: TableName,
  options: MysqlReadOptions,
): Promise<ReadTable | null> {
  // The catalogue may compare names ignoring case.
  const rows = (await ask(COLUMNS, database, table)).filter((row) => row["of"] === table);
  return rows.length === 0 ? null : { columns: rows.map((row) => readColumn(row, options)) };
}

export function schemaOf({ columns }: ReadTable): TableSchema {
  return { columns: columns.map(({ native: _, charset: __, collation: ___, zeroIsNull: ____, ...column }) => column) };
}

function readColumn(row: TextRow, options: MysqlReadOptions): ReadColumn {
  const nativeType = row["type"] ?? "";
  const native = parseNativeType(nativeType);
  const type = readType(nativeType, native, options);
  return {
    name: row["name"] ?? "",
    type,
    nullable: row["nullable"] === "YES",
    ...(/\b(VIRTUAL|STORED|PERSISTENT)\b/i.test(row["extra"] ?? "") && { generated: true }),
    nativeType,
    native,
    charset: row["charset"] ?? null,
    collation: row["collation"] ?? null,
    zeroIsNull: options.zeroDates === "null" && (type.kind === "date" || type.kind === "timestamp"),
  };
}

/** What a column is read as, where that is not what it would be written from. */
function readType(nativeType: string, { name, modifiers }: NativeType, options: MysqlReadOptions): DataType {
  const type = dataTypeOfNative(nativeType);
  if (name === "tinyint" && modifiers[0] === 1 && options.tinyint1 === "boolean") return { kind: "boolean" };
  if (type.kind === "time" && options.time === "interval") return { kind: "interval" };
  // DuckDB has instants in microseconds only.
  if (type.kind === "timestamp") return { ...type, unit: "us" };
  if (type.kind !== "opaque") return type;
  if (name === "decimal" || TEXTS.has(name)) return { kind: "text" };
  return GEOMETRIES.test(name) ? { kind: "bytes" } : type;
}

/** What the server sends as text, and what has no type of its own elsewhere. */
const TEXTS: ReadonlySet<string> = new Set(["inet4", "inet6"]);

const GEOMETRIES = /^(multi)?(geometry|point|linestring|polygon)$|^(geometry|geom)collection$/;
