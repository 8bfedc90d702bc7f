import pg from "pg";
import { DuckDBEngine } from "../../../../src/adapters/duckdb/duckdb-engine.js";
import { MemoryJobStore } from "../../../../src/adapters/memory/memory-job-store.js";
import { postgres } from "../../../../src/adapters/postgres/postgres.js";
import { JobExecutor } from "../../../../src/executor/job-executor.js";
import { defineJob } from "../../../../src/jobs/define-job.js";
import type { FinishedRun } from "../../../../src/model/run.js";
import type { TableSchema } from "../../../../src/model/table-schema.js";
import type { WriteMode } from "../../../../src/model/write-mode.js";
import type { Connection } from "../../../../src/ports/connection.js";
import type { JobDestination, WriteRequest } from "../../../../src/ports/job-destination.js";
import { rowStreamOf, type StreamStep } from "../../../../src/testing/rows/row-stream-of.js";

/** How a query's rows come to the table of a job. */
export interface Load {
  readonly query: string;
  readonly table: string;
  readonly mode?: "append" | "overwrite" | WriteMode;
  readonly createIfMissing?: boolean;
}

/** Runs a query on DuckDB into Postgres, with all that lies between. A refused submit gives its error. */
export async function load(out: Connection, { query, table, mode = "append", ...rest }: Load): Promise<FinishedRun> {
  const executor = new JobExecutor({
    engine: new DuckDBEngine(),
    store: new MemoryJobStore(),
    connections: { out },
    jobs: [defineJob({ name: "load", query, destination: { table: `out.${table}`, mode, ...rest } })],
  });
  await executor.start();
  try {
    return await (await executor.submitOrThrow("load", {})).result();
  } finally {
    await executor.stop();
  }
}

/** What a load into `table` is refused with, at submit or by its run. */
export async function refusal(out: Connection, given: Load) {
  const ended = await load(out, given).then(
    (run) => run.error,
    (error: unknown) => error,
  );
  if (ended === null) throw new Error("the load succeeded");
  return ended as {
    code: string;
    message: string;
    hint: string;
    retryable: boolean;
    columns?: readonly string[];
    mode?: string;
  };
}

/** A client of the tests' own, whose rows are the server's texts. */
export async function reader(url: string) {
  const client = new pg.Client({ connectionString: url, options: "-c timezone=UTC" });
  client.on("error", () => undefined);
  await client.connect();
  const asText = { getTypeParser: () => (text: string) => text };
  return {
    client,
    rows: async (text: string): Promise<readonly Record<string, string | null>[]> =>
      (await client.query<Record<string, string | null>>({ text, types: asText })).rows,
    values: async (text: string): Promise<readonly (string | null)[]> =>
      (await client.query<Record<string, string | null>>({ text, types: asText })).rows.map(
        (row) => Object.values(row)[0]!,
      ),
    [Symbol.asyncDispose]: () => client.end(),
  };
}

export function readWrite(url: string, options: Parameters<typeof postgres>[1] = {}): Connection & AsyncDisposable {
  const connection = postgres(url, { access: "read_write", ...options });
  return Object.assign(connection, { [Symbol.asyncDispose]: () => connection.close() });
}

export function destinationOf(connection: Connection, table: string): JobDestination {
  const destination = connection.destination?.(table);
  if (destination === undefined) throw new Error(`no destination for ${table}`);
  return destination;
}

const NUMBERS: TableSchema = {
  columns: [
    { name: "id", type: { kind: "integer", bits: 64, signed: true }, nullable: true },
    { name: "label", type: { kind: "text" }, nullable: true },
  ],
};

export function numbered(first: number, count: number) {
  return Array.from({ length: count }, (_, index) => ({ id: first + index, label: `row ${first + index}` }));
}

/** One write of {@link NUMBERS} without an executor. */
export function write(
  destination: JobDestination,
  steps: readonly StreamStep[],
  request: Partial<WriteRequest> & { readonly atPermit?: () => void | Promise<void> } = {},
) {
  const { atPermit, signal = new AbortController().signal, ...rest } = request;
  const commitId = request.commitId ?? "c-1";
  return destination.write(rowStreamOf(NUMBERS, steps, signal), {
    commitId,
    mode: { kind: "append" },
    schema: NUMBERS,
    createIfMissing: false,
    signal,
    onProgress: () => undefined,
    permit: async ({ rowsStaged }) => {
      await atPermit?.();
      return { committed: ({ rowsWritten = rowsStaged } = {}) => ({ commitId, rowsWritten, snapshotId: null }) };
    },
    ...rest,
  });
}
