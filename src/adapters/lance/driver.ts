import type * as Driver from "@lancedb/lancedb";
import { causeChain, JobError } from "../../model/job-error.js";

/**
 * The part of `@lancedb/lancedb` that works on bytes. Its public methods take Arrow tables, which they encode in one go on
 * the host's thread: 100 to 330 ms for a few million rows, where the bytes that are staged here take none.
 */
export interface LanceDatabase {
  openTable(name: string, namespace: string[]): Promise<LanceTable>;
  createTable(name: string, ipcFile: Buffer, mode: "create" | "overwrite", namespace: string[]): Promise<LanceTable>;
  createEmptyTable(
    name: string,
    ipcFile: Buffer,
    mode: "create" | "overwrite",
    namespace: string[],
  ): Promise<LanceTable>;
  close(): void;
}

/** A table at one version: what others commit is not seen until it is opened again. */
export interface LanceTable {
  /** An Arrow IPC file without batches. */
  schema(): Promise<Buffer>;
  version(): Promise<number>;
  countRows(filter?: string): Promise<number>;
  /** Lance casts what it is given to the types of its columns, and truncates silently. Hence only exact types are given. */
  add(ipcFile: Buffer, mode: "append" | "overwrite"): Promise<{ readonly version: number }>;
  mergeInsert(keys: string[]): LanceMerge;
  checkout(version: number): Promise<void>;
  query(): LanceQuery;
  /** Joins small files, folds new rows into indices and deletes versions that are older. */
  optimize(olderThanMs?: number): Promise<unknown>;
  close(): void;
}

export interface LanceMerge {
  whenMatchedUpdateAll(): LanceMerge;
  whenNotMatchedInsertAll(): LanceMerge;
  execute(ipcFile: Buffer): Promise<{ readonly version: number }>;
}

export interface LanceQuery {
  selectColumns(columns: string[]): void;
  execute(maxBatchRows: number): Promise<LanceBatches>;
}

export interface LanceBatches {
  /** The next batch as an Arrow IPC file; null at the end. */
  next(): Promise<Buffer | null>;
}

/** By itself Lance would keep up to 7 GB of what it has read. */
const CACHE_BYTES = 64n * 1024n * 1024n;

/** @throws JobError `connection_unavailable` when the driver is missing, of another make, or cannot open the folder. */
export async function openDatabase(folder: string): Promise<LanceDatabase> {
  const { connect, Session } = await loadDriver();
  const connection: object = await connect(folder, { session: new Session(CACHE_BYTES, CACHE_BYTES) });
  if ("inner" in connection && isDatabase(connection.inner)) return connection.inner;
  throw new JobError("connection_unavailable", {
    message: "This version of @lancedb/lancedb is not one that Millrace can write with.",
    hint: "Install a version within the range of Millrace's peer dependency.",
    retryable: false,
  });
}

async function loadDriver(): Promise<typeof Driver> {
  try {
    return await import("@lancedb/lancedb");
  } catch (cause) {
    throw new JobError("connection_unavailable", {
      message: `The package @lancedb/lancedb could not be loaded: ${causeChain(cause)}`,
      hint: "Install it beside millrace: npm install @lancedb/lancedb apache-arrow@18.1",
      retryable: false,
      cause,
    });
  }
}

function isDatabase(value: unknown): value is LanceDatabase {
  if (typeof value !== "object" || value === null) return false;
  return ["openTable", "createTable", "createEmptyTable", "close"].every((name) => name in value);
}
