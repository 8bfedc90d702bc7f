import type { RecordBatch } from "apache-arrow";
import type { TableSchema } from "../../model/table-schema.js";
import { keysOf, type WriteMode } from "../../model/write-mode.js";
import { nullKey } from "../../model/write-refusals.js";

/** @throws JobError `destination_failed`, with `columns`, when a row has no value in a column of the mode's key. */
export function refuseNullKeys(table: string, mode: WriteMode, { columns }: TableSchema, { data }: RecordBatch): void {
  const keys = keysOf(mode);
  const column = columns.find(({ name }, index) => keys.includes(name) && data.children[index]!.nullCount > 0);
  if (column !== undefined) throw nullKey(table, column.name);
}
