import { Table, type RecordBatch } from "apache-arrow";
import { DuckDBEngine } from "../../../../src/adapters/duckdb/duckdb-engine.js";
import { memory } from "../../../../src/adapters/memory/memory-connection.js";
import { MemoryJobStore } from "../../../../src/adapters/memory/memory-job-store.js";
import { postgres } from "../../../../src/adapters/postgres/postgres.js";
import { JobExecutor } from "../../../../src/executor/job-executor.js";
import { defineJob } from "../../../../src/jobs/define-job.js";
import type { Connection } from "../../../../src/ports/connection.js";
import type { TableSource, WantedRows } from "../../../../src/ports/table-source.js";

export const NEVER_ABORTED = new AbortController().signal;

export function readOnly(url: string, options: Parameters<typeof postgres>[1] = {}): Connection & AsyncDisposable {
  const connection = postgres(url, options);
  return Object.assign(connection, { [Symbol.asyncDispose]: () => connection.close() });
}

/** What a job's query gives, as the rows of a table in memory; throws what the run, or the submit, failed with. */
export async function query(crm: Connection, text: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const out = memory();
  const executor = new JobExecutor({
    engine: new DuckDBEngine(),
    store: new MemoryJobStore(),
    connections: { crm, out },
    jobs: [defineJob({ name: "read", query: text, destination: { table: "out.rows", mode: "append" } })],
  });
  await executor.start();
  try {
    const { error } = await (await executor.submitOrThrow("read", {})).result();
    if (error !== null) throw Object.assign(new Error(error.message), error);
    return await out.rows("rows");
  } finally {
    await executor.stop();
  }
}

export function sourceOf(
  connection: Connection,
  table: string,
): TableSource & Required<Pick<TableSource, "scan" | "explain">> {
  const source = connection.source?.(table);
  if (source?.scan === undefined || source.explain === undefined) throw new Error(`no source for ${table}`);
  return source as TableSource & Required<Pick<TableSource, "scan" | "explain">>;
}

/** The batches of a scan. */
export async function scanned(
  connection: Connection,
  table: string,
  wanted: WantedRows,
  signal = NEVER_ABORTED,
): Promise<RecordBatch[]> {
  const batches: RecordBatch[] = [];
  for await (const batch of sourceOf(connection, table).scan({ ...wanted, signal })) batches.push(batch);
  return batches;
}

/** The values of a scan's first column. */
export async function values(connection: Connection, table: string, wanted: WantedRows): Promise<unknown[]> {
  const batches = await scanned(connection, table, wanted);
  return batches.flatMap((batch) => [...new Table([batch]).getChildAt(0)!] as unknown[]);
}
