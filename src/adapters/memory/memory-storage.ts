import { type DataType, formatDataType, sameDataType } from "../../model/data-type.js";
import type { StorageAnswer } from "../../model/lossless-storage.js";
import type { Column } from "../../model/table-schema.js";

/** A table in memory takes every type, and from then on that type only: its batches are kept and read as they came. */
export function memoryStorage(type: DataType, column: Column | null): StorageAnswer {
  if (column === null || sameDataType(type, column.type)) return { stored: true };
  return { stored: false, reason: `memory() made the column as ${formatDataType(column.type)}` };
}
