import { expect, it } from "vitest";
import type { DuckDBRelation } from "../../../src/adapters/duckdb/duckdb-relation.js";
import type { EngineTarget } from "../../../src/ports/engine-target.js";
import { query, withEngine } from "./engine-session.js";
import { LATE, ONE_INTEGER, single, within } from "./engine-under-test.js";

const BAD = JSON.stringify({ file: "x.csv", column: "x", type: "BIGINT", value: "one" });
const HOURS = "select count(*) from range(10000000) a(i), range(10000000) b(i) where hash(a.i * b.i) = 1";

it.each(["while rows are read", "while the engine writes them"])(
  "a cancel ends the search for a bad value, %s",
  (when) => {
    const abort = new AbortController();
    const relation: DuckDBRelation = {
      dialect: "duckdb",
      from: `(select case when i = 5 then error('millrace bad value ${BAD}')::bigint else i end as x from range(10) r(i))`,
      paths: [],
      locate: async (_, look) => {
        setImmediate(() => abort.abort(new Error("cancelled")));
        await look(HOURS);
        return "nowhere";
      },
    };
    const data = single({ schema: () => Promise.resolve(ONE_INTEGER), relation });
    return withEngine({ data }, async ({ engine, rows }) => {
      const unstarted = when === "while the engine writes them";
      const stream = await engine.stream(query("from data"), { signal: abort.signal, unstarted });
      const read = async (): Promise<void> => {
        if (!unstarted) for await (const batch of stream) void batch;
        const target: EngineTarget<unknown> = {
          dialect: "duckdb",
          write: (writer) => writer.writeRows("create temp table t as", ""),
        };
        await stream.into?.(target);
      };
      expect(await within(5_000, read().catch(String))).not.toBe(LATE);
      expect(await within(5_000, stream.close())).not.toBe(LATE);
      expect(await rows("select 1 as x")).toEqual([{ x: 1 }]);
    });
  },
);
