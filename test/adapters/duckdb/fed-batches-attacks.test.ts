import { DuckDBDataChunk } from "@duckdb/node-api";
import * as arrowjs from "apache-arrow";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { arrow } from "../../../src/adapters/duckdb/entry.js";
import { defaultMemoryLimit } from "../../../src/adapters/duckdb/engine-options.js";
import { FedBatches } from "../../../src/adapters/duckdb/fed-batches.js";
import type { TableSchema } from "../../../src/model/table-schema.js";
import { recordBatch } from "../../../src/testing/rows/record-batch.js";
import { type BundledProcess, bundledProcess } from "../../support/bundled-process.js";
import { duckdbFile } from "../../support/duckdb-file.js";
import { withEngine } from "./engine-session.js";

/** A batch of one column. */
function columnBatch(vector: arrowjs.Vector): arrowjs.RecordBatch {
  const schema = new arrowjs.Schema([new arrowjs.Field("x", vector.type as arrowjs.DataType, true)]);
  const type = new arrowjs.Struct(schema.fields);
  return new arrowjs.RecordBatch(
    schema,
    arrowjs.makeData({ type, length: vector.length, nullCount: 0, children: [vector.data[0]!] }),
  );
}

describe("a feed", () => {
  it("lets the event loop turn after a few milliseconds of writing, however fast it is asked, and loses no row", async () => {
    const columns = Array.from({ length: 16 }, (_, index) => ({
      name: `c${index}`,
      type: { kind: "integer", bits: 32, signed: true } as const,
      nullable: true,
    }));
    const wide: TableSchema = { columns };
    const make = (from: number): arrowjs.RecordBatch => {
      const rows = Array.from({ length: 2_048 }, (_, row) =>
        Object.fromEntries(columns.map(({ name }) => [name, from + row])),
      );
      return recordBatch(wide, rows);
    };
    const batches = Array.from({ length: 20 }, (_, index) => make(index * 2_048));
    const fed = new FedBatches();
    let turns = 0;
    let rowsInTurn = 0;
    let mostInTurn = 0;
    // As the driver asks where several loads are under way: the next question is there before the last answer is.
    const load = async (): Promise<number[]> => {
      const feed = fed.open(batches[0]!.schema, false);
      const chunk = DuckDBDataChunk.create(feed.types);
      const read: number[] = [];
      await feed.through(batches, async () => {
        for (chunk.reset(); feed.write(chunk) && chunk.rowCount > 0; chunk.reset()) {
          read.push(...(chunk.getColumnValues(0) as number[]));
          mostInTurn = Math.max(mostInTurn, (rowsInTurn += chunk.rowCount));
        }
        await new Promise(setImmediate);
        turns += 1;
        rowsInTurn = 0;
      });
      feed.close();
      return read;
    };
    const expected = Array.from({ length: 20 * 2_048 }, (_, row) => row);
    for (const read of await Promise.all([load(), load()])) expect(read).toEqual(expected);
    // Eight chunks, the four that the other load's statement takes even so, and the ones that each is in the middle of.
    expect(mostInTurn).toBeLessThanOrEqual(14 * 2_048);
    expect(turns).toBeGreaterThan(4);
  });

  it("takes each batch for what it is, where Arrow has several types for one of DuckDB's", async () => {
    const instants = (unit: arrowjs.TimeUnit, value: bigint): arrowjs.RecordBatch => {
      const type = new arrowjs.Timestamp(unit, "UTC");
      const data = arrowjs.makeData({ type, length: 1, nullCount: 0, data: BigInt64Array.of(value) });
      return columnBatch(new arrowjs.Vector([data]));
    };
    const texts = arrowjs.vectorFromArray(["a", "b", null], new arrowjs.Utf8());
    const keyed = arrowjs.vectorFromArray(
      ["c", null, "d"],
      new arrowjs.Dictionary(new arrowjs.Utf8(), new arrowjs.Int32()),
    );
    const connections = {
      instants: arrow([
        instants(arrowjs.TimeUnit.MICROSECOND, 1_000_000n),
        instants(arrowjs.TimeUnit.MILLISECOND, 2_000n),
      ]),
      words: arrow([columnBatch(texts), columnBatch(keyed), columnBatch(texts)]),
    };
    await withEngine(connections, async ({ rows }) => {
      expect(await rows("select epoch_us(x) as us from instants")).toEqual([{ us: 1_000_000n }, { us: 2_000_000n }]);
      const all = ["a", "b", null, "c", null, "d", "a", "b", null];
      expect(await rows("select x from words")).toEqual(all.map((x) => ({ x })));
    });
  });

  it("leaves nothing of one chunk in the nulls of the next, also inside of nested values", async () => {
    const query = `select i, case when i // 2048 % 2 = 0 then v end as v,
        [case when i // 2048 % 2 = 0 then v end, 'a text that is long: ' || i] as l,
        {a: case when i // 2048 % 2 = 0 then v end, d: case when i // 2048 % 2 = 1 then i::decimal(9, 2) end} as s,
        array_value(case when i // 2048 % 2 = 1 then v end, v) as a,
        map {i: case when i // 2048 % 2 = 0 then v end} as m
      from (select i::integer as i, 'another long text ' || i as v from range(10240) r(i)) order by i`;
    await using file = await duckdbFile();
    await file.load("loaded", query, {
      createIfMissing: true,
      through: (rows) => ({
        schema: rows.schema,
        close: () => rows.close(),
        [Symbol.asyncIterator]: () => rows[Symbol.asyncIterator](),
      }),
    });
    const difference = `select count(*) as n from loaded as one full join (${query}) as two on one.i = two.i
      where one.v is distinct from two.v or one.l is distinct from two.l or one.s is distinct from two.s
        or one.a is distinct from two.a or one.m is distinct from two.m`;
    expect(await file.sql(difference)).toEqual([{ n: "0" }]);
    expect(await file.sql("select count(*) as n, count(v) as v from loaded")).toEqual([{ n: "10240", v: "6144" }]);
  });
});

describe("a process", () => {
  let bundle: BundledProcess;
  beforeAll(async () => {
    bundle = await bundledProcess(new URL("fed-batches-child.ts", import.meta.url));
  });
  afterAll(() => bundle[Symbol.asyncDispose]());

  /** Its exit code, or the signal of whoever would not wait any longer. */
  async function endOf(child: ChildProcess, waitMs: number): Promise<unknown> {
    const tooLate = AbortSignal.timeout(waitMs);
    tooLate.addEventListener("abort", () => child.kill("SIGKILL"), { once: true });
    const [code, signal] = (await once(child, "exit")) as unknown[];
    return code ?? signal;
  }

  it("outlives workers that are terminated while their engines load rows", { timeout: 30_000 }, async () => {
    expect(await endOf(bundle.start("terminate workers"), 25_000)).toBe(0);
  });

  // A limit, not a promise: process.exit() waits for libuv's pool, of which a thread asks the event loop for the columns of the feed.
  // When this fails, the limit is gone: expect the exit code 7, and take it out of the guide to stopping.
  it("cannot exit in the moment in which a load is planned", async () => {
    const child = bundle.start("exit");
    expect(await once(child, "message")).toContain("exiting");
    expect(await endOf(child, 1_000)).toBe("SIGKILL");
  });
});

it("an engine leaves half of a very small machine to the host", () => {
  expect(defaultMemoryLimit(384 * 2 ** 20)).toBe("192MiB");
  expect(defaultMemoryLimit(1_536 * 2 ** 20)).toBe("512MiB");
});
