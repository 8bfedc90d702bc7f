import { strict as assert } from "node:assert";
import type { RecordBatch } from "apache-arrow";
import { batchRows, type PlainRow } from "../../model/batch-values.js";
import { isJobError } from "../../model/job-error.js";
import type { QueryTemplate } from "../../model/job-definition.js";
import type { Connection } from "../../ports/connection.js";
import type { BoundParameter, EngineQuery, QueryEngine } from "../../ports/query-engine.js";
import type { RowStream } from "../../ports/row-stream.js";
import { ManualClock } from "../manual-clock.js";

/** What a factory gives for each clause. */
export interface QueryEngineFixture {
  /** An engine that was not opened yet. The clause opens and closes it. */
  readonly engine: QueryEngine;
  /** The queries of the clauses in the engine's dialect, as far as dialects differ. */
  readonly sql: EngineSql;
  dispose?(): Promise<void>;
}

export interface EngineSql {
  /** One integer column `n`, from 0 up to `count`, and then nothing or, at `failsAt`, an error of the row itself. */
  numbers(count: number, failsAt?: number): string;
  /** A query that works for hours before it has its first row. */
  readonly slow: string;
}

/** A signal that nobody aborts. */
export const NEVER_ABORTED: AbortSignal = new AbortController().signal;

/** Opens the engine over these connections for as long as `act` takes. */
export async function opened<T>(
  engine: QueryEngine,
  connections: Readonly<Record<string, Connection>>,
  act: () => Promise<T>,
): Promise<T> {
  const silent = (): void => undefined;
  const logger = { debug: silent, info: silent, warn: silent, error: silent };
  // A clock that stands still: what an engine waits for must not depend on it.
  await engine.open({ connections: new Map(Object.entries(connections)), clock: new ManualClock(), logger });
  try {
    return await act();
  } finally {
    await engine.close();
  }
}

/** A query without parameters. */
export function plain(sql: string): EngineQuery {
  return { template: [{ text: sql }], parameters: new Map() };
}

/** A query with values: `{name}` in the text is the place of `parameters.name`. */
export function withParameters(sql: string, parameters: Readonly<Record<string, BoundParameter>>): EngineQuery {
  const template = sql.split(/\{(\w+)\}/).flatMap((part, index): QueryTemplate => {
    if (index % 2 === 1) return [{ parameter: part }];
    return part === "" ? [] : [{ text: part }];
  });
  return { template, parameters: new Map(Object.entries(parameters)) };
}

/** All rows of a query. */
export async function allRows(engine: QueryEngine, query: EngineQuery): Promise<PlainRow[]> {
  const stream = await engine.stream(query, { signal: NEVER_ABORTED });
  const rows: PlainRow[] = [];
  for await (const batch of stream) rows.push(...batchRows(batch, stream.schema));
  return rows;
}

/** How many rows a stream gives before it ends; `onBatch` is called for each batch. */
export async function countRows(stream: RowStream, onBatch?: (batch: RecordBatch) => unknown): Promise<number> {
  let rows = 0;
  for await (const batch of stream) {
    rows += batch.numRows;
    await onBatch?.(batch);
  }
  return rows;
}

/** Fails unless `act` rejects with a JobError of this code; gives the error. */
export async function refusedAs(code: string, act: () => Promise<unknown>): Promise<Error> {
  try {
    await act();
  } catch (error) {
    assert.ok(isJobError(error), `not a JobError: ${String(error)}`);
    assert.equal(error.code, code, error.message);
    assert.notEqual(error.hint, "");
    return error;
  }
  return assert.fail(`nothing was refused with ${code}`);
}
