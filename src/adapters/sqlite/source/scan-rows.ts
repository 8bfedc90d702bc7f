import type { RecordBatch } from "apache-arrow";
import type { Database } from "better-sqlite3";
import { BatchWriter } from "../../arrow/batch-writer.js";
import type { StopFlag } from "../thread/stop-flag.js";
import type { SendRows } from "../thread/wire-batch.js";
import { refuseForeignValues } from "./foreign-values.js";
import { lostRows, unreadableValue } from "./read-failures.js";
import { refuseBrokenText } from "./broken-text.js";
import { LOOK_UP, scanStatement } from "./scan-statement.js";
import type { ScanPlan } from "./table-reading.js";
import { type StoredValue, valueReader } from "./value-readers.js";

/** SQLite calls a function with 1,000 values at most. */
const VALUES_AT_ONCE = 900;

/**
 * Sends the rows of a table in batches, and gives how many there were by SQLite's own count.
 *
 * SQLite itself carries the rows: the statement counts the calls of a function, and the function takes each row's values
 * into the batch. That is several times as fast as stepping through rows, since nothing is made for a row.
 */
export function scanRows(database: Database, plan: ScanPlan, stop: StopFlag, send: SendRows): number {
  const { table, columns, wanted } = plan;
  // The thread holds nobody up, and fewer batches have to cross.
  const writer = new BatchWriter({ columns }, { maxRows: 8_192 });
  const readers = columns.map((column, index) => valueReader(column, writer, index));
  const doubtful = new Set<number>();
  let sent = 0;
  let rowId: StoredValue = null;

  const flush = (): void => {
    const batch = writer.take();
    sent += batch.numRows;
    for (const [index, { type }] of columns.entries()) {
      if ((type.kind === "text" || type.kind === "json") && holdsReplacement(batch, index)) doubtful.add(index);
    }
    send(batch);
  };
  const take = (first: number, values: readonly StoredValue[]): void => {
    let index = 0;
    try {
      for (; index < values.length; index++) {
        const { column, read } = readers[first + index]!;
        const value = values[index]!;
        if (value === null) column.appendNull();
        else read(value);
      }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      const row = rowId === null ? `row ${sent + writer.rows + 1} of the scan` : `the row of rowid ${String(rowId)}`;
      throw unreadableValue(table, columns[first + index]!, row, error.message);
    }
    if (first + values.length < columns.length) return;
    writer.endRow();
    if (writer.isFull) flush();
  };

  const options = { varargs: true, safeIntegers: true, directOnly: true };
  database.function("millrace_take_first", options, (row: StoredValue, ...values: StoredValue[]) => {
    stop.throwIfRaised();
    rowId = row;
    take(0, values);
    return 1;
  });
  database.function("millrace_take_more", options, (first: bigint, ...values: StoredValue[]) => {
    take(Number(first), values);
    return 1;
  });
  database.function(LOOK_UP, { directOnly: true }, () => {
    stop.throwIfRaised();
    return 1;
  });
  refuseForeignValues(database, plan);
  const { sql, values } = scanStatement(table, wanted);
  const counted = database
    .prepare(`select count(${takenRow(columns.length)}) from (${sql})`)
    .pluck()
    .get(...values);
  if (writer.rows > 0) flush();
  if (counted !== sent) throw lostRows(table.name, Number(counted), sent);
  if (table.isUtf8) for (const index of doubtful) refuseBrokenText(database, plan, index);
  return sent;
}

/** Takes the first columns of a row, and then the others. */
function takenRow(columns: number): string {
  const names = Array.from({ length: columns }, (_, index) => `c${index}`);
  let taken = `millrace_take_first(r, ${names.slice(0, VALUES_AT_ONCE).join(", ")})`;
  for (let first = VALUES_AT_ONCE; first < columns; first += VALUES_AT_ONCE) {
    const more = names.slice(first, first + VALUES_AT_ONCE).join(", ");
    taken = `case when ${taken} then millrace_take_more(${first}, ${more}) end`;
  }
  return taken;
}

/** A character that a text may have, and that stands wherever the driver met bytes that are no UTF-8. */
function holdsReplacement(batch: RecordBatch, index: number): boolean {
  const { buffer, byteOffset, byteLength } = batch.data.children[index]!.values as Uint8Array<ArrayBuffer>;
  return Buffer.from(buffer, byteOffset, byteLength).includes("\uFFFD");
}
