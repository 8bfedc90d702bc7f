import { type DataType, formatDataType } from "../../../model/data-type.js";
import { losslessStorage, type StorageAnswer } from "../../../model/lossless-storage.js";
import type { Column } from "../../../model/table-schema.js";

/** A column keeps a type exactly, or refuses it: DuckDB itself rounds 7.9 to 8 on its way into an INTEGER. */
export function duckDBStorage(type: DataType, column: Column | null): StorageAnswer {
  if (column !== null) return losslessStorage(type, column.type);
  const reason =
    type.kind === "null" ? "its type is unknown; cast it to the type that the new column shall have" : noPlaceFor(type);
  return reason === undefined ? { stored: true } : { stored: false, reason };
}

/** Why no column at all can keep the type. */
function noPlaceFor(type: DataType): string | undefined {
  switch (type.kind) {
    case "any":
    case "opaque":
      return `DuckDB files have no exact form of ${formatDataType(type)}; cast it to VARCHAR`;
    case "timestamp":
    case "time":
      return type.zoned && type.unit === "ns"
        ? "DuckDB keeps instants in microseconds; cast it to TIMESTAMPTZ"
        : undefined;
    case "list":
    case "array":
      return noPlaceFor(type.item);
    case "map":
      return noPlaceFor(type.key) ?? noPlaceFor(type.value);
    case "struct":
      return firstReason(type.fields);
    case "union":
      return firstReason(type.members);
    default:
      return undefined;
  }
}

function firstReason(parts: readonly { readonly type: DataType }[]): string | undefined {
  return parts.map(({ type }) => noPlaceFor(type)).find((reason) => reason !== undefined);
}
