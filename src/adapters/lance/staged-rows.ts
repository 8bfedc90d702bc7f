import type { RecordBatch, Schema } from "apache-arrow";
import type { WriteRequest } from "../../ports/job-destination.js";
import type { RowStream } from "../../ports/row-stream.js";
import { abortable } from "./abortable.js";
import { CommitEncoder } from "./encoding/commit-encoder.js";
import { takeRows } from "./encoding/take-data.js";
import { KeyCheck } from "./keys/key-check.js";
import { commitTooLarge } from "./lance-failure.js";

/** All rows of a write as the bytes of its one commit. */
export interface StagedRows {
  /** Undefined when there are none. */
  readonly ipcFile: Buffer | undefined;
  /** What the query gave. */
  readonly rowsTaken: number;
  /** What the table gets: fewer when the last row of a key counts. */
  readonly rowsKept: number;
  /** Gives the file's memory back. Nobody may read it any more. */
  release(): void;
}

export interface Staging {
  readonly request: WriteRequest;
  readonly target: Schema;
  readonly maxBytes: number;
  readonly table: string;
}

/** Takes the rows to their end, batch by batch, and lets the event loop turn between them. */
export async function stageRows(rows: RowStream, staging: Staging): Promise<StagedRows> {
  const { request, ...target } = staging;
  const encoder = new CommitEncoder({ ...target, commitId: request.commitId, source: rows.schema });
  try {
    const rowsTaken = await encodeRows(rows, staging, encoder);
    const ipcFile = encoder.rows === 0 ? undefined : encoder.finish();
    return { ipcFile, rowsTaken, rowsKept: encoder.rows, release: () => encoder.release() };
  } catch (error) {
    encoder.release();
    throw error;
  }
}

/** @returns how many rows the query gave. */
async function encodeRows(rows: RowStream, staging: Staging, encoder: CommitEncoder): Promise<number> {
  const { mode } = staging.request;
  if (mode.kind !== "upsert") return encodeAll(rows, staging, encoder);
  const check = new KeyCheck({ ...staging, keys: mode.keys, source: rows.schema });
  try {
    if (mode.onDuplicate === "keepLast") return await keepLast(rows, staging, encoder, check);
    return await encodeAll(rows, staging, encoder, check);
  } finally {
    await check.close();
  }
}

async function encodeAll(rows: RowStream, staging: Staging, encoder: CommitEncoder, check?: KeyCheck): Promise<number> {
  const { signal, onProgress } = staging.request;
  for await (const batch of rows) {
    signal.throwIfAborted();
    check?.add(batch);
    encoder.add(batch);
    onProgress(encoder.rows, encoder.byteLength);
    await new Promise(setImmediate);
  }
  if (check) await abortable(check.finish("refuse"), signal);
  signal.throwIfAborted();
  return encoder.rows;
}

/** Which rows stay is known only at the end, so the batches are kept until then: twice the memory of other writes. */
async function keepLast(rows: RowStream, staging: Staging, encoder: CommitEncoder, check: KeyCheck): Promise<number> {
  const { signal, onProgress } = staging.request;
  const batches: RecordBatch[] = [];
  let taken = 0;
  let bytes = 0;
  for await (const batch of rows) {
    signal.throwIfAborted();
    check.add(batch);
    batches.push(batch);
    bytes += batch.data.byteLength;
    if (bytes > staging.maxBytes) throw commitTooLarge(staging.maxBytes);
    onProgress((taken += batch.numRows), bytes);
    await new Promise(setImmediate);
  }
  const superseded = await abortable(check.finish("keepLast"), signal);
  let first = 0;
  let next = 0;
  for (const batch of batches) {
    const begin = next;
    while (next < superseded.length && superseded[next]! < first + batch.numRows) next++;
    encoder.add(
      next === begin ? batch : takeRows(batch, othersThan(superseded.subarray(begin, next), first, batch.numRows)),
    );
    first += batch.numRows;
    await new Promise(setImmediate);
    signal.throwIfAborted();
  }
  return taken;
}

/** The rows of a batch that are not among these, which are counted from the beginning of the write. */
function othersThan(superseded: Int32Array, first: number, rows: number): Int32Array {
  const others = new Int32Array(rows - superseded.length);
  let next = 0;
  for (let row = 0, kept = 0; row < rows; row++) {
    if (superseded[next] === first + row) next++;
    else others[kept++] = row;
  }
  return others;
}
