import type { RecordBatch } from "apache-arrow";
import { describe, expect, it } from "vitest";
import { defaultMemoryLimit } from "../../../src/adapters/duckdb/engine-options.js";
import { isJobError } from "../../../src/model/job-error.js";
import type { TableSchema } from "../../../src/model/table-schema.js";
import type { Connection } from "../../../src/ports/connection.js";
import { recordBatch } from "../../../src/testing/rows/record-batch.js";
import { withEngine } from "./engine-session.js";
import { single } from "./engine-under-test.js";

const TEXTS: TableSchema = {
  columns: [
    { name: "id", type: { kind: "integer", bits: 32, signed: true }, nullable: true },
    { name: "text", type: { kind: "text" }, nullable: true },
  ],
};

function texts(from: number, count: number): RecordBatch {
  const rows = Array.from({ length: count }, (_, index) => {
    const id = from + index;
    return { id, text: id % 7 === 0 ? null : `text ${id} ${"x".repeat(id % 40)}` };
  });
  return recordBatch(TEXTS, rows);
}

function table(batches: () => readonly RecordBatch[], givesBatchesAway = true): Connection {
  return single({
    givesBatchesAway,
    schema: () => Promise.resolve(TEXTS),
    async *scan({ columns }) {
      const places = columns.map((name) => TEXTS.columns.findIndex((column) => column.name === name));
      for (const batch of batches()) yield batch.selectAt(places);
    },
  });
}

const CHECK = `select count(*) as n, sum(id) as ids, count(text) as texts,
  count(*) filter (text <> 'text ' || id || ' ' || repeat('x', id % 40)) as wrong from data`;

describe("rows of a scan", () => {
  it.each([
    ["none", []],
    ["empty batches alone", [0, 0]],
    ["batches of any length, empty ones between them", [1, 0, 2_047, 2_048, 2_049, 0, 5_000, 3]],
    ["more than goes in at once", Array.from({ length: 70 }, () => 2_048)],
    ["one batch that is more than that", [130_000]],
  ])("come whole and as they were: %s", async (_name, lengths) => {
    const make = (): RecordBatch[] => {
      let from = 0;
      return lengths.map((length) => texts((from += length) - length, length));
    };
    const n = BigInt(lengths.reduce((sum, length) => sum + length, 0));
    await withEngine({ data: table(make) }, async ({ rows }) => {
      const ids = n === 0n ? null : (n * (n - 1n)) / 2n;
      const seventh = (n + 6n) / 7n;
      expect(await rows(CHECK)).toEqual([{ n, ids, texts: n - seventh, wrong: 0n }]);
      expect(await rows("select id from data limit 3")).toEqual([0, 1, 2].slice(0, Number(n)).map((id) => ({ id })));
    });
  });

  it("are freed once they are read, where they were given away, and only there", async () => {
    for (const givesAway of [true, false]) {
      const batch = texts(0, 5_000);
      const [ids, values] = batch.data.children.map(({ values: array }) => array as Uint8Array);
      await withEngine({ data: table(() => [batch], givesAway) }, ({ rows }) => rows(CHECK));
      expect([ids?.byteLength, values?.byteLength].every((bytes) => bytes === 0)).toBe(givesAway);
    }
  });

  it("of a source that gives one batch away twice are refused, not read from memory that is others' now", async () => {
    const batch = texts(0, 10);
    await withEngine({ data: table(() => [batch, texts(10, 10), batch]) }, async ({ rows }) => {
      await expect(rows(CHECK)).rejects.toSatisfy((error) => isJobError(error, "query_failed"));
    });
  });

  it("that DuckDB cannot take are refused for what is wrong with them, and the engine goes on", async () => {
    const broken = texts(0, 3_000);
    const text = broken.data.children[1]?.values as Uint8Array;
    text[text.length - 1] = 0xff;
    let isBroken = true;
    const batches = (): RecordBatch[] => [texts(0, 3_000), isBroken ? broken : texts(3_000, 10)];
    await withEngine({ data: table(batches) }, async ({ rows }) => {
      await expect(rows(CHECK)).rejects.toSatisfy(
        (error) => isJobError(error, "query_failed") && error.message.includes('"text"'),
      );
      isBroken = false;
      expect(await rows(CHECK)).toMatchObject([{ n: 3_010n, wrong: 0n }]);
    });
  });

  it("can be asked for by no query", async () => {
    await withEngine({ data: table(() => [texts(0, 10)]) }, async ({ rows }) => {
      for (const name of [
        "millrace_fed(1)",
        "MILLRACE_FED(1)",
        "system.main.millrace_fed(1)",
        "main.millrace_fed(1)",
      ]) {
        await expect(rows(`select * from ${name}, data`)).rejects.toSatisfy((error) =>
          isJobError(error, "unsupported_query"),
        );
      }
    });
  });

  it("of many tables come side by side, while tables are made and dropped beside them", async () => {
    const names = Array.from({ length: 12 }, (_, index) => `t${index}`);
    const connections = Object.fromEntries(
      names.map((name, index) => [name, table(() => [texts(0, 100 * (index + 1)), texts(100 * (index + 1), 50)])]),
    );
    await withEngine(connections, async ({ rows }) => {
      const counts = await Promise.all(
        Array.from({ length: 60 }, async (_, turn) => {
          const [one, other] = [names[turn % 12], names[(turn * 5 + 1) % 12]];
          const [row] = await rows(`select (select count(*) from ${one}) + (select count(*) from ${other}) as n`);
          return row?.["n"];
        }),
      );
      const count = (index: number): number => 100 * ((index % 12) + 1) + 50;
      expect(counts).toEqual(counts.map((_, turn) => BigInt(count(turn) + count(turn * 5 + 1))));
    });
  });
});

describe("the engine's memory", () => {
  it("is a quarter of what there is, and no less than 512 MiB", () => {
    expect(defaultMemoryLimit(8 * 2 ** 30)).toBe("2048MiB");
    expect(defaultMemoryLimit(2 ** 30)).toBe("512MiB");
  });
});
