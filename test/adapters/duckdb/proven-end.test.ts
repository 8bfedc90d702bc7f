import { stat } from "node:fs/promises";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { csv, DuckDBEngine } from "../../../src/adapters/duckdb/entry.js";
import { isJobError } from "../../../src/model/job-error.js";
import type { TableSchema } from "../../../src/model/table-schema.js";
import type { Connection } from "../../../src/ports/connection.js";
import { allRows, countRows, NEVER_ABORTED, opened, plain } from "../../../src/testing/engine/engine-fixture.js";
import { recordBatch } from "../../../src/testing/rows/record-batch.js";

/** Law 3: rows end normally only when they are all there. Law 8: whatever happens, the engine goes on. */

const ROWS = 100_000;
/** More than DuckDB computes ahead: a failure behind it is one that DuckDB tells nobody of. */
const MANY = 2_000_000;
const turn = (): Promise<void> => new Promise(setImmediate);
const makeEngine = (): DuckDBEngine => new DuckDBEngine({ memoryLimit: "1GB" });
const codeOf = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    (value) => `ended with ${String(value)}`,
    (error: unknown) => (isJobError(error) ? error.code : error),
  );

const FAILURES: Readonly<Record<string, (at: number) => string>> = {
  "a cast": (at) => `cast(case when i = ${at} then 'x' else '1' end as integer)`,
  "error()": (at) => `case when i = ${at} then error('e') else i end`,
  "a value out of its type's range": (at) => `cast(case when i = ${at} then 300 else 1 end as tinyint)`,
  "an overflow": (at) => `9223372036854775807 + case when i = ${at} then 1 else 0 end`,
};

describe.each(Object.entries(FAILURES))("%s", (_, expression) => {
  it.each([0, 1, 2_047, 2_048, MANY / 2, MANY - 1])("in row %i is an error, read fast or slowly", async (at) => {
    const engine = makeEngine();
    await opened(engine, {}, async () => {
      const query = plain(`select ${expression(at)} as n from range(${MANY}) t(i)`);
      for (const wait of [undefined, turn]) {
        const stream = await engine.stream(query, { signal: NEVER_ABORTED });
        expect(await codeOf(countRows(stream, wait))).toBe("query_failed");
      }
      // A limit that cannot be reached is no excuse.
      const limited = await engine.stream(query, { signal: NEVER_ABORTED, limit: MANY });
      expect(await codeOf(countRows(limited))).toBe("query_failed");
    });
  });
});

it.each([20_481, ROWS / 2, ROWS - 1])("a CSV line of too many values is an error, at row %i", async (at) => {
  const folder = await mkdtemp(join(tmpdir(), "millrace-proven-end-"));
  try {
    const lines = Array.from({ length: ROWS }, (_, i) => (i === at ? `${i},x,extra` : `${i},y`));
    await writeFile(join(folder, "bad.csv"), `id,v\n${lines.join("\n")}\n`);
    const engine = makeEngine();
    await opened(engine, { bad: csv(join(folder, "bad.csv")) }, async () => {
      expect(await codeOf(allRows(engine, plain("from bad")))).toBe("query_failed");
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

it.each([0, 1, 7])(
  "a source that throws after %i batches is an error, and is read whole the next time",
  async (good) => {
    const schema: TableSchema = {
      columns: [{ name: "x", type: { kind: "integer", bits: 64, signed: true }, nullable: true }],
    };
    let scans = 0;
    const source: Connection = {
      capabilities: { kind: "test", read: true, write: "none", writeHint: "Write elsewhere.", tables: "single" },
      source: () => ({
        schema: () => Promise.resolve(schema),
        async *scan() {
          scans += 1;
          for (let n = 0; n < good; n += 1) yield recordBatch(schema, [{ x: 1n }]);
          if (scans === 1) throw new Error("the wire was cut");
        },
      }),
      check: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
    const engine = makeEngine();
    await opened(engine, { source }, async () => {
      expect(await codeOf(allRows(engine, plain("from source")))).toBe("query_failed");
      expect((await allRows(engine, plain("from source"))).length).toBe(good);
    });
  },
);

it("a query that outgrows the memory is an error", async () => {
  const engine = new DuckDBEngine({ memoryLimit: "200MB", tempLimit: "1MB" });
  await opened(engine, {}, async () => {
    const query = plain("select i, list(j order by j) as l from range(3) a(i), range(20000000) b(j) group by i");
    expect(await codeOf(engine.stream(query, { signal: NEVER_ABORTED }).then((stream) => countRows(stream)))).toBe(
      "resource_limit_exceeded",
    );
    expect(await allRows(engine, plain("select 1 as x"))).toEqual([{ x: 1 }]);
  });
});

it("the error's own text is told, also behind a semicolon and a comment", async () => {
  const engine = makeEngine();
  await opened(engine, {}, async () => {
    const stream = await engine.stream(
      plain(`select case when i = 1999999 then error('boom') else i end as n from range(${MANY}) t(i); -- done`),
      {
        signal: NEVER_ABORTED,
      },
    );
    await expect(countRows(stream)).rejects.toThrow(/boom/);
  });
});

it("a stream closed while it is read, or before, throws", async () => {
  const engine = makeEngine();
  await opened(engine, {}, async () => {
    const amid = await engine.stream(plain("select i from range(1000000) t(i)"), { signal: NEVER_ABORTED });
    expect(await codeOf(countRows(amid, () => amid.close()))).toBe("query_failed");
    const before = await engine.stream(plain("select i from range(10) t(i)"), { signal: NEVER_ABORTED });
    await before.close();
    expect(await codeOf(countRows(before))).toBe("query_failed");
  });
});

it("a reader that throws gets its own error back", async () => {
  const engine = makeEngine();
  await opened(engine, {}, async () => {
    const mine = new Error("mine");
    const stream = await engine.stream(plain("select i from range(1000000) t(i)"), { signal: NEVER_ABORTED });
    expect(await codeOf(countRows(stream, () => Promise.reject(mine)))).toBe(mine);
  });
});

it("aborts, closes and early ends at any moment truncate nothing, and leave every connection as it was", async () => {
  const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`SEED=${seed}`);
  const random = seeded(seed);
  const engine = makeEngine();
  const rows = 30_000;
  const reason = new Error("cancelled");
  const query = plain(`select i, repeat('x', (i % 40)::int) as s from range(${rows}) t(i)`);
  const one = async (): Promise<void> => {
    const abort = new AbortController();
    const act = Math.floor(random() * 4);
    const turns = Math.floor(random() * 40);
    const meddle = async (close?: () => Promise<void>): Promise<void> => {
      for (let n = 0; n < turns; n += 1) await turn();
      if (act === 0) abort.abort(reason);
      if (act === 1) await close?.();
    };
    let stream: Awaited<ReturnType<DuckDBEngine["stream"]>> | undefined;
    const meddling = act === 0 ? meddle() : undefined;
    try {
      stream = await engine.stream(query, { signal: abort.signal });
      const closing = act === 1 ? meddle(() => stream?.close() ?? Promise.resolve()) : undefined;
      let seen = 0;
      let left = false;
      for await (const batch of stream) {
        seen += batch.numRows;
        if (act === 2 && random() < 0.2) {
          left = true;
          break;
        }
        if (random() < 0.3) await turn();
      }
      if (!left && seen !== rows) throw new Error(`ended normally after ${seen} rows (act ${act})`);
      await closing;
    } catch (error) {
      if (act === 0 && error === reason) return;
      if (act === 1 && isJobError(error, "query_failed")) return;
      throw error;
    } finally {
      await meddling;
      await stream?.close();
    }
  };
  await opened(engine, {}, async () => {
    for (let round = 0; round < 15; round += 1) {
      await Promise.all([one(), one(), one(), one()]);
      expect((await allRows(engine, plain(`select count(*) as n from range(${rows})`)))[0]).toEqual({
        n: BigInt(rows),
      });
    }
  });
});

it("eight streams at once leave threads of libuv's pool to the host", async () => {
  const engine = makeEngine();
  await opened(engine, {}, async () => {
    const query = plain("select sum(hash(i * j)) as n from range(3000) a(i), range(3000) b(j)");
    const streams = await Promise.all(Array.from({ length: 8 }, () => engine.stream(query, { signal: NEVER_ABORTED })));
    let ended = 0;
    const reading = streams.map((stream) => countRows(stream).finally(() => (ended += 1)));
    await stat(tmpdir());
    // Calls of the host that waited for the pool would only be answered after the first of the queries.
    expect(ended).toBe(0);
    expect(await Promise.all(reading)).toEqual(Array(8).fill(1));
  });
});

function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
