import { rowStreamOf } from "../../src/testing/rows/row-stream-of.js";
import type { TableSchema } from "../../src/model/table-schema.js";
import type { EngineQuery, QueryEngine } from "../../src/ports/query-engine.js";

const SCHEMA: TableSchema = {
  columns: [
    { name: "tag", type: { kind: "text" }, nullable: true },
    { name: "n", type: { kind: "integer", bits: 64, signed: true }, nullable: true },
  ],
};
const BATCH_ROWS = 1_000;

/** Gives the rows that the jobs' query asks for, whatever its text, without an engine to start: processes die often here. */
export function rowsEngine(): QueryEngine {
  return {
    dialect: "rows",
    open: () => Promise.resolve(),
    close: () => Promise.resolve(),
    explain: () => Promise.resolve({ plan: "", scans: [] }),
    describe: ({ parameters }) =>
      Promise.resolve({
        schema: SCHEMA,
        parameters: new Map([...parameters].map(([name, { type }]) => [name, type])),
        tables: [],
      }),
    stream: (query, { signal, limit = Infinity }) => {
      const count = Math.min(limit, Number(parameter(query, "rows")));
      const tag = String(parameter(query, "tag"));
      const batches = Array.from({ length: Math.max(1, Math.ceil(count / BATCH_ROWS)) }, (_, batch) =>
        Array.from({ length: Math.min(BATCH_ROWS, count - batch * BATCH_ROWS) }, (_row, index) => {
          return { tag, n: BigInt(batch * BATCH_ROWS + index) };
        }),
      );
      return Promise.resolve(rowStreamOf(SCHEMA, batches, signal));
    },
  };
}

export function parameter({ parameters }: EngineQuery, name: string): unknown {
  return parameters.get(name)?.value;
}
