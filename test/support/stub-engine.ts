import { Field, Int32, RecordBatch, Schema, Struct, makeData, type DataType as ArrowType } from "apache-arrow";
import type { TableSchema } from "../../src/model/table-schema.js";
import type { EngineQuery, QueryDescription, QueryEngine, QueryExplanation } from "../../src/ports/query-engine.js";
import type { RowStream } from "../../src/ports/row-stream.js";

/** What a query of the stub does: yields batches until it is done or throws. */
export type Play = (context: {
  readonly signal: AbortSignal;
  readonly query: EngineQuery;
}) => AsyncIterable<RecordBatch>;

const ID_SCHEMA: TableSchema = {
  columns: [{ name: "id", type: { kind: "integer", bits: 32, signed: true }, nullable: true }],
};

/**
 * An engine without SQL, for tests of what happens around a query: the text of a query names the play that is given.
 * Every play yields one INTEGER column, `id`.
 */
export class StubEngine implements QueryEngine {
  readonly dialect = "stub";
  /** How many streams are open. */
  open_ = 0;
  described = 0;
  /** Thrown by `describe` instead of an answer. */
  planError: Error | null = null;

  constructor(private readonly plays: Readonly<Record<string, Play>> = {}) {}

  open(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  explain(): Promise<QueryExplanation> {
    return Promise.resolve({ plan: "STUB PLAN", scans: [] });
  }

  describe(query: EngineQuery, signal: AbortSignal): Promise<QueryDescription> {
    this.described += 1;
    signal.throwIfAborted();
    if (this.planError !== null) return Promise.reject(this.planError);
    const parameters = new Map([...query.parameters].map(([name, { type }]) => [name, type]));
    return Promise.resolve({ schema: ID_SCHEMA, parameters, tables: [] });
  }

  stream(
    query: EngineQuery,
    { signal, limit }: { readonly signal: AbortSignal; readonly limit?: number },
  ): Promise<RowStream> {
    const play = this.plays[textOf(query).trim()] ?? rowsOf(3);
    this.open_ += 1;
    let open = true;
    const close = (): Promise<void> => {
      if (open) this.open_ -= 1;
      open = false;
      return Promise.resolve();
    };
    const iterate = async function* (): AsyncGenerator<RecordBatch> {
      let left = limit ?? Number.POSITIVE_INFINITY;
      for await (const batch of play({ signal, query })) {
        signal.throwIfAborted();
        if (left <= 0) return;
        yield batch.numRows > left ? batch.slice(0, left) : batch;
        left -= batch.numRows;
      }
    };
    return Promise.resolve({ schema: ID_SCHEMA, close, [Symbol.asyncIterator]: iterate });
  }
}

/** Yields the ids from 0 up, in batches. */
export function rowsOf(count: number, batchRows = 1_000): Play {
  return async function* () {
    for (let from = 0; from < count; from += batchRows) {
      await Promise.resolve();
      yield idBatch(Array.from({ length: Math.min(batchRows, count - from) }, (_, index) => from + index));
    }
  };
}

/** One batch of the stub's schema. */
export function idBatch(ids: readonly number[]): RecordBatch {
  const field = new Field("id", new Int32(), true);
  const child = makeData({ type: new Int32(), length: ids.length, data: Int32Array.from(ids) });
  const type = new Struct<Record<string, ArrowType>>([field]);
  return new RecordBatch(new Schema([field]), makeData({ type, length: ids.length, nullCount: 0, children: [child] }));
}

function textOf({ template }: EngineQuery): string {
  return template.map((segment) => ("text" in segment ? segment.text : `{${segment.parameter}}`)).join("");
}
