import type { RecordBatch } from "apache-arrow";
import { JobError } from "../../../model/job-error.js";
import type { ScanRequest } from "../../../ports/table-source.js";
import { BatchWriter } from "../../arrow/batch-writer.js";
import { columnDecoders } from "./decoders/column-decoders.js";
import type { ReadSession } from "./read-session.js";
import { type ReadableTable, schemaOf } from "./readable-table.js";
import { RowReader } from "./row-reader.js";
import { selectRows } from "./select-rows.js";

/**
 * The wanted rows of a table, as batches. They are all there when the server has ended the copy in each of its ways, and
 * has counted as many rows as came (law 3).
 *
 * @param label the table's name, for messages.
 */
export async function* scanTable(
  session: ReadSession,
  table: ReadableTable,
  label: string,
  { signal, ...wanted }: ScanRequest,
): AsyncGenerator<RecordBatch, void, undefined> {
  const { text, columns } = selectRows(table, wanted, label);
  const batch = new BatchWriter(schemaOf({ columns }));
  const reader = new RowReader(batch, columnDecoders(columns, batch));
  const copy = await session.copy(signal, label, text);
  let isDone = false;
  try {
    for (;;) {
      const messages = await session.during(signal, label, () => copy.next());
      if (messages === undefined) break;
      for (let at = 0; at < messages.length;) {
        at = reader.read(messages, at);
        if (batch.isFull) yield batch.take();
      }
    }
    if (!reader.hasEnded || copy.copied !== reader.rows) throw incomplete(label, reader.rows);
    isDone = true;
  } finally {
    // Who reads no further needs no more of it.
    if (!isDone) session.stop();
  }
  if (batch.rows > 0) yield batch.take();
}

function incomplete(table: string, rows: number): JobError {
  return new JobError("stream_incomplete", {
    message: `Postgres ended the copy of ${table} after ${rows} rows without proof that these were all.`,
    hint: "Run the query again.",
    table,
  });
}
