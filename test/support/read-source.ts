import { batchRows, type PlainRow } from "../../src/model/batch-values.js";
import type { Connection } from "../../src/ports/connection.js";
import type { TableSource, WantedRows } from "../../src/ports/table-source.js";

const NEVER_ABORTED = new AbortController().signal;

export function sourceOf(connection: Connection, table: string): TableSource {
  const source = connection.source?.(table);
  if (source === undefined) throw new Error(`there is no source "${table}"`);
  return source;
}

/** The rows of a scan as plain values. Default: all columns of the table. */
export async function readSource(
  source: TableSource,
  wanted: Partial<WantedRows> & { readonly signal?: AbortSignal } = {},
): Promise<PlainRow[]> {
  const signal = wanted.signal ?? NEVER_ABORTED;
  const schema = await source.schema(signal);
  if (schema === null || source.scan === undefined) throw new Error("there is no such table to scan");
  const columns = wanted.columns ?? schema.columns.map(({ name }) => name);
  const read = { columns: columns.map((name) => schema.columns.find((column) => column.name === name)!) };
  const rows: PlainRow[] = [];
  for await (const batch of source.scan({ ...wanted, columns, signal })) rows.push(...batchRows(batch, read));
  return rows;
}

/** The values of one column. */
export async function readColumn(source: TableSource, column: string): Promise<unknown[]> {
  return (await readSource(source, { columns: [column] })).map((row) => row[column]);
}
