import { type Data, RecordBatch, Struct } from "apache-arrow";

/** The same rows in memory of their own: a destination may free what it is given. */
export function copiedBatch({ schema, numRows, data }: RecordBatch): RecordBatch {
  const rows = data.clone(new Struct(schema.fields), 0, numRows, 0, undefined, data.children.map(copiedData));
  return new RecordBatch(schema, rows);
}

function copiedData(data: Data): Data {
  const { type, offset, length, nullCount, children } = data;
  return data.clone(type, offset, length, nullCount, structuredClone(data.buffers), children.map(copiedData));
}
