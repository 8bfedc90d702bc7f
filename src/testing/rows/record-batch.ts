import { BufferType, Data, Field, RecordBatch, Schema, Struct } from "apache-arrow";
import type { DataType } from "../../model/data-type.js";
import type { TableSchema } from "../../model/table-schema.js";
import { bitmap, columnBuffers, type SampleValue } from "./column-buffers.js";

export type SampleRow = Readonly<Record<string, SampleValue>>;

/** A batch as an engine would make it, of columns without parts. A column that a row lacks is null in it. */
export function recordBatch(schema: TableSchema, rows: readonly SampleRow[]): RecordBatch {
  const children = schema.columns.map(({ name, type }) =>
    columnData(
      type,
      rows.map((row) => row[name] ?? null),
    ),
  );
  const fields = schema.columns.map(({ name, type }, index) => {
    return new Field(name, children[index]!.type, true, new Map([["millrace.type", JSON.stringify(type)]]));
  });
  return new RecordBatch(new Schema(fields), new Data(new Struct(fields), 0, rows.length, 0, {}, children));
}

function columnData(type: DataType, column: readonly SampleValue[]): Data {
  const { type: arrowType, values, offsets, dictionary } = columnBuffers(type, column);
  const nullCount = column.filter((value) => value === null).length;
  const buffers = {
    ...(offsets && { [BufferType.OFFSET]: offsets }),
    ...(values && { [BufferType.DATA]: values }),
    ...(nullCount > 0 && { [BufferType.VALIDITY]: bitmap(column.map((value) => value !== null)) }),
  };
  return new Data(arrowType, 0, column.length, nullCount, buffers, [], dictionary);
}
