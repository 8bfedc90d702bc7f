import { DuckDBEngine, type DuckDBEngineOptions } from "../../../src/adapters/duckdb/entry.js";
import { type PlainRow, batchRows } from "../../../src/model/batch-values.js";
import type { QueryTemplate } from "../../../src/model/job-definition.js";
import type { Connection } from "../../../src/ports/connection.js";
import type { BoundParameter, EngineQuery, QueryDescription } from "../../../src/ports/query-engine.js";
import { ManualClock } from "../../../src/testing/manual-clock.js";

export const NEVER_ABORTED = new AbortController().signal;

const silent = (): void => undefined;

/** An engine that is open, with shorthands for what tests ask of it. */
export interface OpenEngine {
  readonly engine: DuckDBEngine;
  describe(query: string | EngineQuery): Promise<QueryDescription>;
  rows(query: string | EngineQuery): Promise<PlainRow[]>;
}

/** Opens an engine over these connections for as long as `act` takes. */
export async function withEngine<T>(
  connections: Readonly<Record<string, Connection>>,
  act: (engine: OpenEngine) => Promise<T>,
  options: DuckDBEngineOptions = {},
): Promise<T> {
  const engine = new DuckDBEngine(options);
  await engine.open({
    connections: new Map(Object.entries(connections)),
    clock: new ManualClock(),
    logger: { debug: silent, info: silent, warn: silent, error: silent },
  });
  try {
    return await act({
      engine,
      describe: (query) => engine.describe(asQuery(query), NEVER_ABORTED),
      rows: async (query) => {
        const stream = await engine.stream(asQuery(query), { signal: NEVER_ABORTED });
        const rows: PlainRow[] = [];
        for await (const batch of stream) rows.push(...batchRows(batch, stream.schema));
        return rows;
      },
    });
  } finally {
    await engine.close();
  }
}

/** `{name}` in the text is the place of `parameters.name`, if that is given. */
export function query(text: string, parameters: Readonly<Record<string, BoundParameter>> = {}): EngineQuery {
  const template = text.split(/\{(\w+)\}/).flatMap((part, index): QueryTemplate => {
    if (index % 2 === 1) return [part in parameters ? { parameter: part } : { text: `{${part}}` }];
    return part === "" ? [] : [{ text: part }];
  });
  return { template, parameters: new Map(Object.entries(parameters)) };
}

function asQuery(given: string | EngineQuery): EngineQuery {
  return typeof given === "string" ? { template: [{ text: given }], parameters: new Map() } : given;
}
