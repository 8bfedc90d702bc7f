import { type DataType, formatDataType } from "../../../model/data-type.js";
import { losslessStorage, type StorageAnswer } from "../../../model/lossless-storage.js";
import type { Column } from "../../../model/table-schema.js";

/**
 * Whether a dataset keeps every value of a type: in `column`, or, when that is null, in a column that is made for it.
 *
 * What DuckDB reads back from Parquet is measured in the tests of this file, type by type.
 */
export function parquetStorage(type: DataType, column: Pick<Column, "type"> | null): StorageAnswer {
  if (column !== null) return losslessStorage(type, column.type);
  const reason = lossOf(type);
  return reason === undefined ? { stored: true } : { stored: false, reason };
}

/**
 * The type of the column that is made for a type. Others come back from Parquet than went in: an enum as text, an array
 * of fixed length as a list, seconds and milliseconds as microseconds.
 */
export function storedType(type: DataType): DataType {
  switch (type.kind) {
    case "enum":
      return { kind: "text" };
    case "timestamp":
      return type.unit === "ns" ? type : { ...type, unit: "us" };
    case "list":
    case "array":
      return { kind: "list", item: storedType(type.item) };
    case "map":
      return { kind: "map", key: storedType(type.key), value: storedType(type.value) };
    case "struct":
      return {
        kind: "struct",
        fields: type.fields.map(({ name, type: field }) => ({ name, type: storedType(field) })),
      };
    default:
      return type;
  }
}

/** Whether the values of a type can be names of folders, so that equal ones have one name. */
export function canPartition(type: DataType): boolean {
  return PARTITION_KINDS.has(type.kind);
}

const PARTITION_KINDS: ReadonlySet<DataType["kind"]> = new Set(["boolean", "integer", "text", "date", "uuid"]);

/** What a column of the type loses in Parquet; undefined: nothing. */
function lossOf(type: DataType): string | undefined {
  switch (type.kind) {
    case "null":
      return "it is a null without a type, and Parquet would make it an INTEGER: cast it";
    case "integer":
      return type.bits === 128
        ? "Parquet has no integers of 128 bits, and would round it: cast it to DECIMAL(38,0)"
        : undefined;
    case "bignum":
      return "Parquet has no integers of any length: cast it to DECIMAL(38,0) or VARCHAR";
    case "bit":
      return "Parquet has no bit strings: cast it to VARCHAR";
    case "interval":
      return "Parquet rounds intervals and takes no negative ones: cast it to VARCHAR, or store both ends";
    case "union":
      return "Parquet would make it a struct: choose one member, or cast it to JSON";
    case "time":
      return type.zoned ? "Parquet drops the time zone: cast it to TIME or VARCHAR" : undefined;
    case "timestamp":
      return type.zoned && type.unit === "ns" ? "DuckDB keeps instants in microseconds only" : undefined;
    case "any":
    case "opaque":
      return `DuckDB's Parquet files have no ${formatDataType(type)} that comes back the same`;
    case "list":
    case "array":
      return lossOf(type.item);
    case "map":
      return lossOf(type.key) ?? lossOf(type.value);
    case "struct":
      return type.fields.map((field) => lossOf(field.type)).find((reason) => reason !== undefined);
    default:
      return undefined;
  }
}
