import { type RecordBatch, tableFromIPC } from "apache-arrow";
import { JobError } from "../../model/job-error.js";
import type { TableSchema } from "../../model/table-schema.js";
import type { ScanRequest } from "../../ports/table-source.js";
import { abortable } from "./abortable.js";
import type { LanceFolder } from "./lance-folder.js";
import { schemaOf, visibleColumns } from "./table-shape.js";

/** In rows; a batch that is read goes into the engine in one go. */
const BATCH_ROWS = 8_192;

/** What a table shows to readers and writers; null when it is not there. */
export async function readSchema(folder: LanceFolder, name: string, signal: AbortSignal): Promise<TableSchema | null> {
  const table = await abortable(folder.open(name), signal);
  return table === undefined ? null : visibleColumns(schemaOf(await table.schema()));
}

/**
 * Reads one version of a table from its beginning to its end, and only the columns asked for. The end counts as reached
 * when there were as many rows as the version has (law 3).
 */
export async function* scanTable(
  folder: LanceFolder,
  name: string,
  { columns, signal }: ScanRequest,
): AsyncGenerator<RecordBatch, void, undefined> {
  const table = await abortable(folder.open(name), signal);
  if (table === undefined) throw gone(name);
  const { fields } = schemaOf(await table.schema());
  const lost = columns.filter((column) => fields.every(({ name: kept }) => kept !== column));
  if (lost.length > 0) throw lostColumns(name, lost);
  const query = table.query();
  query.selectColumns([...columns]);
  const batches = await abortable(query.execute(BATCH_ROWS), signal);
  let rows = 0;
  for (;;) {
    const ipcFile = await abortable(batches.next(), signal);
    if (ipcFile === null) break;
    const read = tableFromIPC(ipcFile);
    rows += read.numRows;
    yield* read.batches;
  }
  signal.throwIfAborted();
  const all = await table.countRows();
  if (rows !== all) throw incomplete(name, rows, all);
}

function gone(table: string): JobError {
  return new JobError("query_failed", {
    message: `The Lance table "${table}" is not there.`,
    hint: "It may have been dropped since the query was planned.",
    table,
  });
}

function incomplete(table: string, rows: number, all: number): JobError {
  return new JobError("stream_incomplete", {
    message: `Lance gave ${rows} of the ${all} rows of the table "${table}" and then ended.`,
    hint: "Run the query again.",
    table,
  });
}

function lostColumns(table: string, columns: readonly string[]): JobError {
  return new JobError("query_failed", {
    message: `The Lance table "${table}" no longer has the columns ${columns.map((name) => `"${name}"`).join(", ")}.`,
    hint: "Somebody replaced the table while the query was planned; run it again.",
    table,
    columns,
  });
}
