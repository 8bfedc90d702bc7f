import { strict as assert } from "node:assert";
import type { Data } from "apache-arrow";
import { recordBatch } from "../rows/record-batch.js";
import type { TableSchema } from "../../model/table-schema.js";
import type { Connection } from "../../ports/connection.js";
import type { TableSource } from "../../ports/table-source.js";
import {
  allRows,
  countRows,
  NEVER_ABORTED,
  opened,
  plain,
  type QueryEngineFixture,
  refusedAs,
} from "./engine-fixture.js";

type Clauses = Readonly<Record<string, (fixture: QueryEngineFixture) => Promise<void>>>;

/** Enough that no engine has it all in one buffer. */
const MANY = 1_000_000;
/** An abort has 50 ms; the rest is for a machine that is busy with other things. */
const SOON_MS = 1_000;

/** Rows come as asked for, all of them or an error, and stop when told to. */
export const streamClauses: Clauses = {
  "a stream gives every row once, in batches of its schema that do not grow with the rows": ({ engine, sql }) =>
    opened(engine, {}, async () => {
      const stream = await engine.stream(plain(sql.numbers(MANY)), { signal: NEVER_ABORTED });
      const seen = new Uint8Array(MANY);
      let largest = 0;
      await countRows(stream, (batch) => {
        largest = Math.max(largest, batch.numRows);
        assert.deepEqual(
          batch.schema.fields.map(({ name }) => name),
          ["n"],
        );
        for (const n of batch.getChildAt(0) ?? []) seen[Number(n)]! += 1;
      });
      assert.ok(seen.every((times) => times === 1));
      assert.ok(largest <= MANY / 4, `a batch has ${largest} rows`);
    }),

  "a batch's memory is its own: what becomes of it is nothing to the batches after it": ({ engine, sql }) =>
    opened(engine, {}, async () => {
      const stream = await engine.stream(plain(sql.numbers(MANY)), { signal: NEVER_ABORTED });
      const seen = new Uint8Array(MANY);
      await countRows(stream, (batch) => {
        for (const n of batch.getChildAt(0) ?? []) seen[Number(n)]! += 1;
        structuredClone(null, { transfer: [...new Set(batch.data.children.flatMap(buffersOf))] });
      });
      assert.ok(seen.every((times) => times === 1));
    }),

  "an empty result ends, with its columns": ({ engine, sql }) =>
    opened(engine, {}, async () => {
      const stream = await engine.stream(plain(sql.numbers(0)), { signal: NEVER_ABORTED });
      assert.equal(stream.schema.columns[0]?.name, "n");
      assert.equal(await countRows(stream), 0);
    }),

  "a limit ends the result": ({ engine, sql }) =>
    opened(engine, {}, async () => {
      for (const limit of [0, 1, 5_000]) {
        const stream = await engine.stream(plain(sql.numbers(MANY)), { signal: NEVER_ABORTED, limit });
        assert.equal(await countRows(stream), limit);
      }
    }),

  "a failure at row 3,000,000 throws and is never an end": ({ engine, sql }) =>
    opened(engine, {}, async () => {
      const stream = await engine.stream(plain(sql.numbers(5_000_000, 3_000_000)), { signal: NEVER_ABORTED });
      await refusedAs("query_failed", () => countRows(stream));
    }),

  "a failure in the first row throws": ({ engine, sql }) =>
    opened(engine, {}, async () => {
      await refusedAs("query_failed", async () => {
        await countRows(await engine.stream(plain(sql.numbers(10, 0)), { signal: NEVER_ABORTED }));
      });
    }),

  "an abort before the first row ends the iteration soon, with its reason": ({ engine, sql }) =>
    opened(engine, {}, async () => {
      const abort = new AbortController();
      const stream = await engine.stream(plain(sql.slow), { signal: abort.signal });
      const counted = countRows(stream);
      const reason = new Error("cancelled");
      setImmediate(() => abort.abort(reason));
      await soon(assert.rejects(counted, reason));
      await soon(stream.close());
    }),

  "an abort between batches ends the iteration soon, with its reason": ({ engine, sql }) =>
    opened(engine, {}, async () => {
      const abort = new AbortController();
      const reason = new Error("cancelled");
      const stream = await engine.stream(plain(sql.numbers(MANY)), { signal: abort.signal });
      await soon(
        assert.rejects(
          countRows(stream, () => abort.abort(reason)),
          reason,
        ),
      );
      await soon(stream.close());
    }),

  "a signal that was aborted before gives no stream": ({ engine, sql }) =>
    opened(engine, {}, async () => {
      const reason = new Error("cancelled");
      await assert.rejects(engine.stream(plain(sql.numbers(1)), { signal: AbortSignal.abort(reason) }), reason);
    }),

  "who leaves early, or never begins, holds nothing": ({ engine, sql }) =>
    opened(engine, {}, async () => {
      for (let round = 0; round < 20; round += 1) {
        const left = await engine.stream(plain(sql.numbers(MANY)), { signal: NEVER_ABORTED });
        for await (const batch of left) if (batch.numRows > 0) break;
        const unread = await engine.stream(plain(sql.slow), { signal: NEVER_ABORTED });
        await unread.close();
        await unread.close();
      }
      assert.equal((await allRows(engine, plain(sql.numbers(3)))).length, 3);
    }),

  "rows are read once": ({ engine, sql }) =>
    opened(engine, {}, async () => {
      const stream = await engine.stream(plain(sql.numbers(3)), { signal: NEVER_ABORTED });
      assert.equal(await countRows(stream), 3);
      await assert.rejects(countRows(stream));
    }),

  "streams run beside each other and do not meet": ({ engine, sql }) =>
    opened(engine, {}, async () => {
      const counts = [MANY, MANY / 2, 10, 0, 3];
      const streams = await Promise.all(
        counts.map((count) => engine.stream(plain(sql.numbers(count)), { signal: NEVER_ABORTED })),
      );
      assert.deepEqual(await Promise.all(streams.map((stream) => countRows(stream))), counts);
    }),

  "one that waits for its reader holds no other back": ({ engine, sql }) =>
    opened(engine, {}, async () => {
      const waiting = await engine.stream(plain(sql.numbers(MANY)), { signal: NEVER_ABORTED });
      const iterator = waiting[Symbol.asyncIterator]();
      const first = await iterator.next();
      for (let round = 0; round < 5; round += 1)
        assert.equal((await allRows(engine, plain(sql.numbers(10)))).length, 10);
      let rows = first.done === true ? 0 : first.value.numRows;
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
        rows += next.value.numRows;
      assert.equal(rows, MANY);
    }),

  "closing the engine ends what runs, with an error": async ({ engine, sql }) => {
    let counted: Promise<number> | undefined;
    await opened(engine, {}, async () => {
      counted = countRows(await engine.stream(plain(sql.slow), { signal: NEVER_ABORTED }));
      counted.catch(() => undefined);
    });
    await assert.rejects(counted ?? assert.fail());
    await engine.close();
    await assert.rejects(engine.describe(plain("select 1 as x"), NEVER_ABORTED));
  },

  "a source's own failure is told, and its rows are never taken for all": ({ engine }) =>
    opened(engine, { broken: single(failing()) }, async () => {
      await assert.rejects(allRows(engine, plain("select count(*) as n from broken")), /the wire was cut/);
    }),

  "a query sees one content of a source, and the next query the new one": async ({ engine }) => {
    const source = changing();
    await opened(engine, { state: single(source) }, async () => {
      const query = plain("select count(*) as n, min(a.x) as x, max(b.x) as y from state a, state b");
      for (const version of [1n, 2n]) {
        assert.deepEqual(await allRows(engine, query), [{ n: 1n, x: version, y: version }]);
      }
    });
  },
};

const SCHEMA: TableSchema = {
  columns: [{ name: "x", type: { kind: "integer", bits: 64, signed: true }, nullable: true }],
};

function single(source: TableSource): Connection {
  return {
    capabilities: { kind: "test", read: true, write: "none", writeHint: "Write elsewhere.", tables: "single" },
    source: (table) => (table === "" ? source : undefined),
    check: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

/** Some rows, and then an error. */
function failing(): TableSource {
  return {
    schema: () => Promise.resolve(SCHEMA),
    async *scan() {
      yield recordBatch(SCHEMA, [{ x: 1n }, { x: 2n }]);
      await Promise.reject(new Error("the wire was cut"));
    },
  };
}

/** One row, which is another at each scan. */
function changing(): TableSource {
  let version = 0n;
  return {
    schema: () => Promise.resolve(SCHEMA),
    async *scan() {
      version += 1n;
      yield recordBatch(SCHEMA, [{ x: version }]);
    },
  };
}

async function soon<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    // eslint-disable-next-line no-restricted-globals -- the promise is one about real time
    timer = setTimeout(() => reject(new Error(`it took more than ${SOON_MS} ms`)), SOON_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What a reader may transfer: dictionaries it may not. */
function buffersOf({ values, valueOffsets, nullBitmap, children }: Data): ArrayBuffer[] {
  const views = [values, valueOffsets, nullBitmap] as readonly (ArrayBufferView | null | undefined)[];
  return [...views.flatMap((view) => (view ? [view.buffer as ArrayBuffer] : [])), ...children.flatMap(buffersOf)];
}
