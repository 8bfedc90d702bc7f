import { RecordBatch, Struct } from "apache-arrow";
import type { TableSchema } from "../../model/table-schema.js";
import { arrowData } from "./arrow-data.js";
import { arrowSchema } from "./arrow-fields.js";
import { fieldType } from "./arrow-type-parts.js";
import { type Bitmap, countClear } from "./bitmap.js";

/** The buffers of a column without children and without a dictionary. */
export interface ColumnBuffers {
  /** Null: no row is null. */
  readonly validity: Bitmap | null;
  readonly values: ArrayBufferView;
  readonly offsets: Int32Array | null;
}

/** What makes batches of a table from the buffers of such columns, as they come from another thread. */
export function batchesOfBuffers(table: TableSchema): (rows: number, columns: readonly ColumnBuffers[]) => RecordBatch {
  const schema = arrowSchema(table);
  const rowType = new Struct(schema.fields);
  return (length, columns) => {
    const children = columns.map(({ validity, values, offsets }, index) => {
      const nullCount = validity === null ? 0 : countClear(validity, 0, length);
      const rows = { length, nullCount, nullBitmap: validity ?? undefined };
      return arrowData(fieldType(schema.fields[index]!), rows, { values, ...(offsets && { offsets }) });
    });
    return new RecordBatch(schema, arrowData(rowType, { length, nullCount: 0 }, { children }));
  };
}
