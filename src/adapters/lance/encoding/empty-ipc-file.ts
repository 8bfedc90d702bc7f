import { RecordBatchFileWriter, type Schema } from "apache-arrow";

/** An Arrow IPC file with a schema and no batches. */
export function emptyIpcFile(schema: Schema): Buffer {
  const writer = new RecordBatchFileWriter();
  writer.reset(undefined, schema);
  writer.finish();
  return Buffer.from(writer.toUint8Array(true));
}
