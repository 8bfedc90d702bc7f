import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  parquetDataset,
  type ParquetDataset,
  type ParquetDatasetOptions,
} from "../../../../src/adapters/duckdb/entry.js";
import type { PlainRow } from "../../../../src/model/batch-values.js";
import type { CommitReceipt } from "../../../../src/model/write-mode.js";
import type { Connection } from "../../../../src/ports/connection.js";
import type { JobDestination } from "../../../../src/ports/job-destination.js";
import type { RowStream } from "../../../../src/ports/row-stream.js";
import { NEVER_ABORTED, type OpenEngine, query, withEngine } from "../engine-session.js";

/** One load as a test describes it. Default: an append by the third door that makes the table. */
export interface Load {
  readonly mode?: "append" | "overwrite";
  readonly commitId?: string;
  readonly door?: "engine" | "batches";
  readonly createIfMissing?: boolean;
  readonly atPermit?: () => void | Promise<void>;
}

/** A dataset in a folder of its own, and an engine that reads and writes it. */
export interface Lake extends OpenEngine {
  readonly folder: string;
  readonly connection: ParquetDataset;
  destination(table: string): JobDestination;
  /** Writes a query's rows into a table, as an executor would. */
  load(table: string, sql: string, options?: Load): Promise<CommitReceipt>;
}

export interface LakeOptions extends ParquetDatasetOptions {
  /** The dataset's folder below a folder of the test's own. */
  readonly name?: string;
  readonly others?: Readonly<Record<string, Connection>>;
}

export async function withLake<T>(
  { name = "lake", others = {}, ...options }: LakeOptions,
  act: (lake: Lake) => Promise<T>,
): Promise<T> {
  const base = await mkdtemp(join(tmpdir(), "millrace-lake-"));
  const folder = join(base, name);
  const connection = parquetDataset(folder, options);
  let loads = 0;
  try {
    return await withEngine({ lake: connection, ...others }, (open) => {
      const destination = (table: string): JobDestination => {
        const found = connection.destination?.(table);
        if (found === undefined) throw new Error(`no destination for ${table}`);
        return found;
      };
      const load = async (table: string, sql: string, how: Load = {}): Promise<CommitReceipt> => {
        const { mode = "append", commitId = `load-${(loads += 1)}`, door = "engine", createIfMissing = true } = how;
        const stream = await open.engine.stream(query(sql), { signal: NEVER_ABORTED });
        try {
          return await destination(table).write(door === "engine" ? stream : batchesOf(stream), {
            commitId,
            mode: { kind: mode },
            schema: stream.schema,
            createIfMissing,
            signal: NEVER_ABORTED,
            onProgress: () => undefined,
            permit: async ({ rowsStaged }) => {
              await how.atPermit?.();
              return { committed: ({ snapshotId = null } = {}) => ({ commitId, rowsWritten: rowsStaged, snapshotId }) };
            },
          });
        } finally {
          await stream.close();
        }
      };
      return act({ ...open, folder, connection, destination, load });
    });
  } finally {
    await connection.close();
    await rm(base, { recursive: true, force: true });
  }
}

/** Rows in any order, as comparable text. */
export function inOrder(rows: readonly PlainRow[]): readonly string[] {
  return rows
    .map((row) => JSON.stringify(row, (_, value: unknown) => (typeof value === "bigint" ? `${value}` : value)))
    .sort();
}

/** The same rows by the first door only. */
function batchesOf(stream: RowStream): RowStream {
  return {
    schema: stream.schema,
    close: () => stream.close(),
    [Symbol.asyncIterator]: () => stream[Symbol.asyncIterator](),
  };
}
