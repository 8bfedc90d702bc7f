import { Field, Int64, makeData, RecordBatch, Schema, Struct, Table, Utf8, vectorFromArray } from "apache-arrow";
import { describe, expect, it } from "vitest";
import { KeyIndex } from "../../../src/adapters/lance/keys/key-index.js";
import type { DataType } from "../../../src/model/data-type.js";
import type { TableSchema } from "../../../src/model/table-schema.js";
import type { WriteMode } from "../../../src/model/write-mode.js";
import type { SampleValue } from "../../../src/testing/rows/column-buffers.js";
import type { SampleRow } from "../../../src/testing/rows/record-batch.js";
import { sampleRows, write } from "../../../src/testing/destination/destination-fixture.js";
import { seededRandom } from "../../crash/seeded-random.js";
import { lakeFolder, NEVER_ABORTED } from "./lake-folder.js";

const BY_ID: WriteMode = { kind: "upsert", keys: ["id"] };

const KEY_SAMPLES: readonly (readonly [DataType, SampleValue, SampleValue, string])[] = [
  [{ kind: "boolean" }, true, false, "true"],
  [{ kind: "integer", bits: 8, signed: true }, -1, 1, "-1"],
  [{ kind: "integer", bits: 64, signed: false }, 2n ** 64n - 1n, 2n ** 53n, "18446744073709551615"],
  [{ kind: "decimal", precision: 38, scale: 2 }, -(10n ** 37n), 1n, "-100000000000000000000000000000000000.00"],
  [{ kind: "text" }, "O'Brien", "ünï", `"O'Brien"`],
  [{ kind: "text" }, "", " ", `""`],
  [{ kind: "bytes" }, Uint8Array.of(0, 255), Uint8Array.of(0), "0,255"],
  [{ kind: "uuid" }, "12345678-1e10-4000-8000-ffffffffffff", "00000000-0000-0000-0000-000000000000", "12345678"],
  [{ kind: "date" }, 0, 11_016, "1970-01-01"],
  [{ kind: "time", unit: "us", zoned: false }, 1n, 45_296_123_456n, "00:00:00.000001"],
  [{ kind: "timestamp", unit: "us", zoned: true }, -1n, 978_307_260_000_001n, "1969-12-31"],
  [{ kind: "enum", values: ["a", "b"] }, "b", "a", `"b"`],
];

describe("keys", () => {
  it.each(KEY_SAMPLES)("of type %j match, and a doubled one is named", async (type, one, other, shown) => {
    await using lake = await lakeFolder();
    const schema: TableSchema = {
      columns: [
        { name: "id", type, nullable: true },
        { name: "label", type: { kind: "text" }, nullable: true },
      ],
    };
    const upsert = (commitId: string, ...steps: readonly (readonly SampleRow[])[]) =>
      write(lake.destination(), { commitId, mode: BY_ID, schema, steps, createIfMissing: true });
    await upsert("a", [
      { id: one, label: "old" },
      { id: other, label: "kept" },
    ]);
    await upsert("b", [{ id: one, label: "new" }]);
    expect((await lake.read())!.map((row) => row["label"]).sort()).toEqual(["kept", "new"]);
    const doubled = upsert(
      "c",
      [
        { id: other, label: "x" },
        { id: one, label: "x" },
      ],
      [{ id: one, label: "y" }],
    );
    await expect(doubled).rejects.toMatchObject({
      code: "destination_failed",
      columns: ["id"],
      retryable: false,
      message: expect.stringContaining(shown) as string,
    });
    expect(await lake.read()).toHaveLength(2);
  });

  it("of a type whose equality is not that of its bytes are refused by the column's name", async () => {
    await using lake = await lakeFolder();
    const schema: TableSchema = { columns: [{ name: "id", type: { kind: "float", bits: 64 }, nullable: true }] };
    const trial = { commitId: "a", mode: BY_ID, schema, steps: [[{ id: 1 }]], createIfMissing: true };
    await expect(write(lake.destination(), trial)).rejects.toMatchObject({
      code: "destination_failed",
      columns: ["id"],
      message: expect.stringContaining("DOUBLE") as string,
    });
    expect(await lake.read()).toBeNull();
  });

  it("with a quotation mark in their name are refused: Lance would find them only at the commit, and not", async () => {
    await using lake = await lakeFolder();
    const key = 'a"b';
    const schema: TableSchema = { columns: [{ name: key, type: { kind: "text" }, nullable: true }] };
    const steps = [[{ [key]: "x" }]];
    await write(lake.destination(), { commitId: "a", schema, steps, createIfMissing: true });
    const upsert = { commitId: "b", mode: { kind: "upsert", keys: [key] }, schema, steps } as const;
    const atPermit = () => Promise.reject(new Error("the permit was asked for"));
    await expect(write(lake.destination(), { ...upsert, atPermit })).rejects.toMatchObject({ columns: [key] });
    expect(await lake.read()).toHaveLength(1);
  });

  it("become the primary key of a table that an upsert makes: Lance then lets others insert none twice", async () => {
    await using lake = await lakeFolder();
    await write(lake.destination(), { commitId: "a", mode: BY_ID, steps: [sampleRows(1, 2)], createIfMissing: true });
    const schema = await lake.destination().schema(NEVER_ABORTED);
    expect(schema?.columns.map(({ nullable }) => nullable)).toEqual([false, true]);
    const table = await (await lake.plain()).openTable("results");
    const fields = [
      new Field("id", new Int64(), false),
      new Field("label", new Utf8(), true),
      new Field("_commit", new Utf8(), true),
    ];
    const children = [
      vectorFromArray([3n], new Int64()).data[0]!,
      vectorFromArray(["x"], new Utf8()).data[0]!,
      vectorFromArray([null], new Utf8()).data[0]!,
    ];
    const batch = new RecordBatch(new Schema(fields), makeData({ type: new Struct(fields), length: 1, children }));
    const merges = Array.from({ length: 4 }, async () => {
      const handle = await (await lake.plain()).openTable(table.name);
      return handle.mergeInsert(["id"]).whenMatchedUpdateAll().whenNotMatchedInsertAll().execute(new Table(batch));
    });
    await Promise.allSettled(merges);
    expect(await lake.ids()).toEqual([1, 2, 3]);
  });
});

describe("an upsert that keeps the last", () => {
  it("takes whole rows of every layout, wherever the doubled ones lie", async () => {
    await using lake = await lakeFolder();
    const columns: readonly (readonly [string, DataType])[] = [
      ["id", { kind: "integer", bits: 32, signed: true }],
      ["flag", { kind: "boolean" }],
      ["amount", { kind: "decimal", precision: 20, scale: 2 }],
      ["label", { kind: "text" }],
      ["bytes", { kind: "bytes" }],
      ["word", { kind: "enum", values: ["a", "b", "c"] }],
      ["uuid", { kind: "uuid" }],
      ["at", { kind: "timestamp", unit: "us", zoned: false }],
      ["nothing", { kind: "null" }],
    ];
    const schema = { columns: columns.map(([name, type]) => ({ name, type, nullable: true })) };
    const made: TableSchema = {
      columns: schema.columns.map((column) =>
        column.name === "nothing" ? { ...column, type: { kind: "text" } } : column,
      ),
    };
    await write(lake.destination(), { commitId: "made", schema: made, createIfMissing: true });
    const seed = 42;
    const random = seededRandom(seed);
    const sometimes = <T>(value: T): T | null => (random() < 0.3 ? null : value);
    const rows = Array.from({ length: 900 }, (_, n) => ({
      id: Math.floor(random() * 300),
      flag: sometimes(n % 2 === 0),
      amount: sometimes(BigInt(n)),
      label: sometimes(`row ${n}`.repeat(n % 4)),
      bytes: sometimes(Uint8Array.of(n % 256, 0)),
      word: sometimes("abc"[n % 3]!),
      uuid: sometimes(`00000000-0000-0000-0000-${String(n).padStart(12, "0")}`),
      at: sometimes(BigInt(n) * 1_000_000n),
    }));
    const steps = [rows.slice(0, 10), rows.slice(10, 11), rows.slice(11, 700), rows.slice(700)];
    const mode: WriteMode = { kind: "upsert", keys: ["id"], onDuplicate: "keepLast" };
    const last = new Map(rows.map((row) => [row.id, row]));
    const { receipt } = await write(lake.destination(), { commitId: "a", mode, schema, steps });
    expect(receipt.rowsWritten, `seed ${seed}`).toBe(last.size);
    // The same rows through the other way, without doubled ones.
    const plainly = [...last.values()];
    await write(lake.destination("plainly"), { commitId: "made", schema: made, createIfMissing: true });
    await write(lake.destination("plainly"), { commitId: "b", schema, steps: [plainly] });
    const byId = (rows: readonly Record<string, unknown>[] | null) =>
      [...rows!].sort((left, right) => Number(left["id"]) - Number(right["id"]));
    expect(byId(await lake.read())).toEqual(byId(await lake.read("plainly")));
    expect(byId(await lake.read())[0]).toMatchObject({ id: Math.min(...last.keys()) });
  });
});

describe("the index of keys", () => {
  const fixed = (values: Int32Array) => ({ kind: "fixed", width: 4, bytes: new Uint8Array(values.buffer) }) as const;

  it("finds exactly the doubled rows among a hundred thousand, over many batches", () => {
    const index = new KeyIndex();
    const seed = 7;
    const random = seededRandom(seed);
    const last = new Map<number, number>();
    const superseded: number[] = [];
    let row = 0;
    for (let batch = 0; batch < 40; batch++) {
      const keys = Int32Array.from({ length: 2_500 }, () => Math.floor(random() * 300_000) - 150_000);
      index.add([fixed(keys)], keys.length);
      for (const key of keys) {
        const before = last.get(key);
        if (before !== undefined) superseded.push(before);
        last.set(key, row++);
      }
    }
    const finding = index.finish();
    expect(finding.duplicates, `seed ${seed}`).toBe(superseded.length);
    expect([...finding.superseded]).toEqual(superseded.sort((left, right) => left - right));
  });

  it("does not take keys for one whose parts only join to the same text", () => {
    const texts = (...values: readonly string[]) => {
      const offsets = new Int32Array(values.length + 1);
      values.forEach((value, at) => (offsets[at + 1] = offsets[at]! + value.length));
      return { kind: "texts", offsets, bytes: Buffer.from(values.join("")) } as const;
    };
    const index = new KeyIndex();
    index.add([texts("ab", "a", "", "abc"), texts("c", "bc", "abc", "")], 4);
    expect(index.finish().duplicates).toBe(0);
    index.add([texts("ab"), texts("c")], 1);
    const { example } = index.finish();
    expect(example?.map((part) => Buffer.from(part).toString())).toEqual(["ab", "c"]);
  });
});
