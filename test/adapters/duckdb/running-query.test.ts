import { DuckDBInstance } from "@duckdb/node-api";
import { describe, expect, it } from "vitest";
import { EngineConnection } from "../../../src/adapters/duckdb/engine-connection.js";
import { rows } from "../../../src/adapters/duckdb/entry.js";
import { PoolLanes } from "../../../src/adapters/duckdb/pool-lanes.js";
import type { EngineQuery } from "../../../src/ports/query-engine.js";
import type { RowStream } from "../../../src/ports/row-stream.js";
import { NEVER_ABORTED, type OpenEngine, query, withEngine } from "./engine-session.js";

async function count(stream: RowStream, onBatch?: () => unknown): Promise<number> {
  let total = 0;
  for await (const batch of stream) {
    total += batch.numRows;
    await onBatch?.();
  }
  return total;
}

/** A failure of each kind, late enough that rows were read before it. */
const FAILURES: Readonly<Record<string, readonly [sql: string, message: RegExp]>> = {
  "a cast": [
    "select (case when i = 3000000 then 'x' else '1' end)::int as n from range(5000000) r(i)",
    /Could not convert string 'x'/,
  ],
  "an error of its own": [
    "select case when i = 3000000 then error('row 3,000,000') else i end as n from range(5000000) r(i)",
    /row 3,000,000/,
  ],
  "an overflow": ["select (9223372036854775807 - 3000000) + i as n from range(5000000) r(i)", /Overflow/i],
  "a text that is too long": [
    "select repeat('x', case when i = 300000 then 5000000000 else 1 end) as n from range(500000) r(i)",
    /./,
  ],
  "a subquery of two rows": [
    "select i, (select j from range(2) s(j) where i = 1000000 or j = 0) as n from range(2000000) r(i)",
    /More than one row/i,
  ],
  "in the last row": [
    "select case when i = 4999999 then error('last') else i end as n from range(5000000) r(i)",
    /last/,
  ],
  "in the second branch of a union": [
    "select i as n from range(3000000) r(i) union all select error('second')::bigint from range(10)",
    /second/,
  ],
  "in a column that no other needs": [
    "select i, case when i = 2500000 then error('unread') end as n from range(3000000) r(i)",
    /unread/,
  ],
  "while it sorts": [
    "select i, case when i = 2000000 then error('sorted') else i end as n from range(3000000) r(i) order by n desc",
    /sorted/,
  ],
};

describe("the end of rows is proven", () => {
  it.each(Object.entries(FAILURES))("a failure is told with DuckDB's own words: %s", async (_, [sql, message]) => {
    await withEngine({}, async ({ engine, rows: read }) => {
      const stream = await engine.stream(query(sql), { signal: NEVER_ABORTED });
      const error: unknown = await count(stream).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: "query_failed", message: expect.stringMatching(message) });
      // The connection is as before.
      expect(await read("select 1 as x")).toEqual([{ x: 1 }]);
    });
  });

  it("names the line of the query that failed, as the user counts them", async () => {
    await withEngine({}, async ({ engine }) => {
      const sql =
        "select\n  i,\n  cast(case when i = 3000000 then 'x' else '1' end as int) as n\nfrom range(5000000) r(i)";
      const stream = await engine.stream(query(sql), { signal: NEVER_ABORTED });
      await expect(count(stream)).rejects.toThrow(/^LINE 3:/m);
    });
  });

  it("says so when a failure does not happen again", async () => {
    await withEngine({}, async ({ engine }) => {
      // Fails in one row of a million on average: the run has five million rows, and so has the second one.
      const sql =
        "select case when random() < 0.000001 then error('by chance') else i end as n from range(5000000) r(i)";
      const stream = await engine.stream(query(sql), { signal: NEVER_ABORTED });
      const error: unknown = await count(stream).catch((reason: unknown) => reason);
      // One run in 150 has no failing row at all.
      if (typeof error === "number") expect(error).toBe(5_000_000);
      else
        expect(error).toMatchObject({
          code: "query_failed",
          message: expect.stringMatching(/by chance|did not fail again/),
        });
    });
  });

  it("retries make sense for what may pass, and not for what the rows say", async () => {
    await withEngine({}, async ({ rows: read }) => {
      await expect(read("select error('always') as x")).rejects.toMatchObject({ retryable: false });
    });
  });

  it("queries that compute for hours, more than the engine has threads, hold a small one back for no time", async () => {
    await withEngine(
      {},
      async ({ engine, rows: read }) => {
        const abort = new AbortController();
        const slow = "select sum(hash(a.i * b.i)) as n from range(10000000) a(i), range(10000000) b(i)";
        const streams = await Promise.all([1, 2, 3, 4].map(() => engine.stream(query(slow), { signal: abort.signal })));
        const counted = Promise.allSettled(streams.map((stream) => count(stream)));
        for (let round = 0; round < 5; round += 1) {
          const before = performance.now();
          expect(await read("select 1 as x")).toEqual([{ x: 1 }]);
          expect(performance.now() - before).toBeLessThan(2_000);
        }
        abort.abort();
        await counted;
      },
      { threads: 1 },
    );
  });

  describe("also of a query that was tiny the last time", () => {
    const ROWS = "select case when i = {bad} then error('row ' || i) else i end as n from range({rows}) r(i)";
    const bigint = { kind: "integer", bits: 64, signed: true } as const;
    const sized = (rows: number, bad = -1): EngineQuery =>
      query(ROWS, { rows: { type: bigint, value: String(rows) }, bad: { type: bigint, value: String(bad) } });

    async function afterTinyOnes(act: (open: OpenEngine) => Promise<void>): Promise<void> {
      await withEngine({}, async (open) => {
        for (let round = 0; round < 3; round += 1) expect(await open.rows(sized(1))).toEqual([{ n: 0n }]);
        await act(open);
        expect(await open.rows(sized(2))).toEqual([{ n: 0n }, { n: 1n }]);
      });
    }

    it("and has many rows now", () =>
      afterTinyOnes(async ({ engine }) => {
        expect(await count(await engine.stream(sized(2_000_000), { signal: NEVER_ABORTED }))).toBe(2_000_000);
      }));

    it.each([0, 1, 3_000_000, 4_999_999])("and fails now, in row %i", (bad) =>
      afterTinyOnes(async ({ engine }) => {
        const stream = await engine.stream(sized(5_000_000, bad), { signal: NEVER_ABORTED });
        await expect(count(stream)).rejects.toMatchObject({
          code: "query_failed",
          message: expect.stringContaining(`row ${bad}`),
        });
      }),
    );

    it("and is left early, or aborted at any moment", () =>
      afterTinyOnes(async ({ engine, rows: read }) => {
        for (let round = 0; round < 40; round += 1) {
          const abort = new AbortController();
          const stream = await engine.stream(sized(3_000_000), { signal: abort.signal });
          const reason = new Error(`cancelled in round ${round}`);
          const counted = count(stream).catch((error: unknown) => error);
          for (let turn = 0; turn < round * 4; turn += 1) await new Promise(setImmediate);
          abort.abort(reason);
          expect(await counted).toBe(reason);
          await stream.close();
          expect(await read(sized(1))).toEqual([{ n: 0n }]);
          const left = await engine.stream(sized(round), { signal: NEVER_ABORTED, limit: 1 });
          expect(await count(left)).toBe(Math.min(1, round));
        }
      }));
  });

  it("a query that other streams run beside is not cut short", async () => {
    await withEngine({}, async ({ engine, rows: read }) => {
      const stream = await engine.stream(query("select i from range(2000000) r(i)"), { signal: NEVER_ABORTED });
      expect(await count(stream, () => read("select 1 as x"))).toBe(2_000_000);
    });
  });
});

describe("an abort", () => {
  /** Each kind of work that DuckDB may be in the middle of. */
  const WORK: Readonly<Record<string, string>> = {
    "a scan": "select i from range(1000000000000) r(i)",
    "a scan that finds nothing": "select i from range(100000000000) r(i) where i % 1000 = 1001",
    "an aggregate": "select sum(hash(i)) as n from range(100000000000) r(i)",
    "a grouping": "select i % 1000000 as k, count(*) as n from range(100000000000) r(i) group by k",
    "a sort": "select i from range(300000000) r(i) order by hash(i)",
    "a cross product": "select sum(hash(a.i * b.i)) as n from range(10000000) a(i), range(10000000) b(i)",
    "a join": "select count(*) as n from range(100000000) a(i) join range(100000000) b(i) on a.i = b.i",
    "a window": "select sum(i) over (order by hash(i)) as n from range(200000000) r(i)",
    "a recursion": "with recursive t(n) as (select 1 union all select n + 1 from t) select n from t where n < 0",
    "a list": "select list(i) as l from range(200000000) r(i)",
  };

  it.each(Object.entries(WORK))("stops %s, and leaves nothing running", async (_, sql) => {
    await withEngine(
      {},
      async ({ engine, rows: read }) => {
        const abort = new AbortController();
        const stream = await engine.stream(query(sql), { signal: abort.signal });
        const counted = count(stream).catch((reason: unknown) => reason);
        await new Promise((resolve) => setTimeout(resolve, 100));
        const reason = new Error("cancelled");
        const before = performance.now();
        abort.abort(reason);
        expect(await counted).toBe(reason);
        expect(performance.now() - before).toBeLessThan(50);
        await stream.close();
        // On a machine with nothing else to do this takes 10 ms.
        expect(performance.now() - before).toBeLessThan(2_000);
        expect(await read("select 1 as x")).toEqual([{ x: 1 }]);
      },
      { memoryLimit: "1GB" },
    );
  });

  it("stops a query whose reader does not read", async () => {
    await withEngine({}, async ({ engine }) => {
      const abort = new AbortController();
      const stream = await engine.stream(query("select i from range(100000000) r(i)"), { signal: abort.signal });
      const iterator = stream[Symbol.asyncIterator]();
      await iterator.next();
      const reason = new Error("cancelled");
      abort.abort(reason);
      await expect(iterator.next()).rejects.toBe(reason);
    });
  });

  it("wins over a failure of the query that it causes", async () => {
    await withEngine({}, async ({ engine }) => {
      for (let round = 0; round < 30; round += 1) {
        const abort = new AbortController();
        const stream = await engine.stream(query("select i from range(3000000) r(i)"), { signal: abort.signal });
        const reason = new Error(`cancelled in round ${round}`);
        let batches = 0;
        const counted = count(stream, () => {
          batches += 1;
          if (batches === round) setImmediate(() => abort.abort(reason));
        });
        if (round === 0) abort.abort(reason);
        await expect(counted).rejects.toBe(reason);
      }
    });
  });

  it("of a description is heard at once", async () => {
    await withEngine({ data: rows([{ a: 1 }]) }, async ({ engine, rows: read }) => {
      const abort = new AbortController();
      const reason = new Error("cancelled");
      const described = engine.describe(query("select a from data"), abort.signal);
      abort.abort(reason);
      await expect(described).rejects.toBe(reason);
      expect(await read("select a from data")).toEqual([{ a: 1n }]);
    });
  });

  it("of a statement that is being planned ends it between two passes of the planner", async () => {
    const instance = await DuckDBInstance.create(":memory:");
    const connection = new EngineConnection(await instance.connect(), new PoolLanes());
    const folded = Array.from({ length: 100 }, (_, n) => `list_sum(range(${300_000 + n})) as c${n}`);
    const abort = new AbortController();
    const planned = connection.interruptible([abort.signal], () => connection.prepare(`select ${folded.join(", ")}`));
    abort.abort();
    await expect(planned).rejects.toThrow(/interrupt/i);
    await connection.execute("select 1");
    connection.disconnect();
    instance.closeSync();
  });

  it("after the last row changes nothing", async () => {
    await withEngine({}, async ({ engine }) => {
      const abort = new AbortController();
      const stream = await engine.stream(query("select 1 as x"), { signal: abort.signal });
      expect(await count(stream)).toBe(1);
      abort.abort();
      await stream.close();
    });
  });
});

describe("memory", () => {
  it("does not grow with the rows that were read", async () => {
    await withEngine(
      {},
      async ({ engine }) => {
        const columns = Array.from({ length: 12 }, (_, n) => `i + ${n} as c${n}`).join(", ");
        const read = async (rows: number, onBatch?: () => unknown): Promise<number> => {
          const sql = `select ${columns} from range(${rows}) r(i)`;
          return count(await engine.stream(query(sql), { signal: NEVER_ABORTED }), onBatch);
        };
        await read(300_000);
        const before = process.memoryUsage().rss;
        let most = before;
        const rows = 12_000_000;
        expect(await read(rows, () => (most = Math.max(most, process.memoryUsage().rss)))).toBe(rows);
        // The rows are 1,152 MB, and that is what keeping each chunk until the end takes, as a race with one long promise does.
        // What was read is freed by the garbage collector, when it comes to it.
        expect(most - before).toBeLessThan(400_000_000);
      },
      { memoryLimit: "256MB" },
    );
  });

  it("does not fill with long texts before the first is read", async () => {
    await withEngine(
      {},
      async ({ engine, rows: read }) => {
        // It uses the connection that these leave behind.
        for (let round = 0; round < 3; round += 1) await read("select 1 as x");
        const before = process.memoryUsage().rss;
        const sql = "select repeat('x', 50000) || i as s from range(30000) r(i)";
        const stream = await engine.stream(query(sql), { signal: NEVER_ABORTED });
        const iterator = stream[Symbol.asyncIterator]();
        await iterator.next();
        // DuckDB would keep all 1.5 GB in its buffer, which counts 16 bytes for each.
        expect(process.memoryUsage().rss - before).toBeLessThan(900_000_000);
        await stream.close();
      },
      { memoryLimit: "512MB" },
    );
  });
});

describe("the driver's part", () => {
  it("has the handle that the engine takes from it", async () => {
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    const statement = await connection.prepare("select 1");
    expect(statement.startStream()["pending_result"]).toBeDefined();
    connection.closeSync();
    instance.closeSync();
  });
});
