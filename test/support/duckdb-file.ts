import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance, type Json } from "@duckdb/node-api";
import { duckdb, DuckDBEngine, type DuckDBFileOptions } from "../../src/adapters/duckdb/entry.js";
import type { CommitId, CommitReceipt, WriteMode } from "../../src/model/write-mode.js";
import type { Connection } from "../../src/ports/connection.js";
import type { JobDestination, StateChange } from "../../src/ports/job-destination.js";
import type { RowStream } from "../../src/ports/row-stream.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { recordingLogger } from "./executor-harness.js";

/** A DuckDB file in a folder of its own, and an engine that was opened with its connection, called `out`. */
export interface DuckDBFile extends AsyncDisposable {
  readonly path: string;
  readonly folder: string;
  readonly connection: Connection;
  readonly engine: DuckDBEngine;
  destination(table: string): JobDestination;
  /** Runs SQL in the file, without the adapter; the last statement's rows. The file is called `file`. */
  sql(text: string): Promise<Record<string, Json>[]>;
  /** Lets the engine write a query's rows into a table: the third door. */
  load(table: string, query: string, load?: Load): Promise<CommitReceipt>;
}

export interface Load {
  readonly commitId?: CommitId;
  readonly mode?: WriteMode;
  readonly createIfMissing?: boolean;
  readonly signal?: AbortSignal;
  readonly state?: StateChange;
  /** What the destination gets in place of the engine's rows. */
  readonly through?: (rows: RowStream) => RowStream;
  /** Called at the permit; what it throws refuses the permit. */
  readonly atPermit?: () => void | Promise<void>;
}

export interface DuckDBFileSetUp extends DuckDBFileOptions {
  /** Statements that make what is in the file. Default: there is no file. */
  readonly sql?: string;
  /** Default: one of its own. */
  readonly folder?: string;
  /** More connections of the engine. */
  readonly connections?: Readonly<Record<string, Connection>>;
}

export async function duckdbFile({
  sql,
  folder: given,
  connections,
  ...options
}: DuckDBFileSetUp = {}): Promise<DuckDBFile> {
  const folder = given ?? (await mkdtemp(join(tmpdir(), "millrace-")));
  const path = join(folder, "out.duckdb");
  if (sql !== undefined) await sqlInDuckDBFile(path, sql);
  const connection = duckdb(path, { access: "read_write", ...options });
  const engine = new DuckDBEngine({ threads: 2, memoryLimit: "1GB" });
  await engine.open({
    connections: new Map(Object.entries({ out: connection, ...connections })),
    clock: new ManualClock(),
    logger: recordingLogger().logger,
  });
  let loads = 0;
  const destination = (table: string): JobDestination => {
    const found = connection.destination?.(table);
    if (found === undefined) throw new Error(`there is no destination "${table}"`);
    return found;
  };
  return {
    path,
    folder,
    connection,
    engine,
    destination,
    sql: (text) => sqlInDuckDBFile(path, text),
    load: async (table, query, load = {}) => {
      loads += 1;
      return loadInto(engine, destination(table), query, { commitId: `load-${loads}`, ...load });
    },
    [Symbol.asyncDispose]: async () => {
      await engine.close();
      await connection.close();
      if (given === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Plays the executor for one query, whose rows go through the third door. */
async function loadInto(
  engine: DuckDBEngine,
  destination: JobDestination,
  query: string,
  {
    commitId = "",
    mode = { kind: "append" },
    createIfMissing = false,
    atPermit,
    state,
    through = (rows) => rows,
    ...rest
  }: Load,
): Promise<CommitReceipt> {
  const { signal = new AbortController().signal } = rest;
  const rows = await engine.stream({ template: [{ text: query }], parameters: new Map() }, { signal, unstarted: true });
  try {
    return await destination.write(through(rows), {
      commitId,
      mode,
      schema: rows.schema,
      createIfMissing,
      signal,
      ...(state && { state: () => state }),
      onProgress: () => undefined,
      permit: async ({ rowsStaged }) => {
        await atPermit?.();
        signal.throwIfAborted();
        return {
          committed: (details) => ({
            commitId,
            rowsWritten: details?.rowsWritten ?? rowsStaged,
            snapshotId: details?.snapshotId ?? null,
          }),
        };
      },
    });
  } finally {
    await rows.close();
  }
}

/** Runs SQL in a DuckDB file, without the adapter; the last statement's rows. The file is called `file`. */
export async function sqlInDuckDBFile(path: string, text: string): Promise<Record<string, Json>[]> {
  const instance = await DuckDBInstance.fromCache(":memory:", { threads: "1" });
  try {
    const connection = await instance.connect();
    await connection.run(`attach '${path}' as file (type duckdb); use file`);
    const rows = await (await connection.run(text)).getRowObjectsJson();
    connection.disconnectSync();
    return rows;
  } finally {
    instance.closeSync();
  }
}
