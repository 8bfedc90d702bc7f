import { Field, Int32, type RecordBatch, Schema, tableFromIPC, Table, Utf8, vectorFromArray } from "apache-arrow";
import { expect, test } from "vitest";
import type { TableSchema } from "../../../../src/model/table-schema.js";
import { CommitEncoder } from "../../../../src/adapters/lance/encoding/commit-encoder.js";

const SOURCE: TableSchema = {
  columns: [
    { name: "i", type: { kind: "integer", bits: 32, signed: true }, nullable: true },
    { name: "t", type: { kind: "text" }, nullable: true },
  ],
};
const TARGET = new Schema([
  new Field("t", new Utf8(), true),
  new Field("i", new Int32(), true),
  new Field("more", new Utf8(), true),
  new Field("_commit", new Utf8(), true),
]);

function batchOf(numbers: (number | null)[]): RecordBatch {
  const texts = numbers.map((number) => (number === null ? null : `text ${number}`));
  return new Table({ i: vectorFromArray(numbers, new Int32()), t: vectorFromArray(texts, new Utf8()) }).batches[0]!;
}

test("holds the rows of all batches, with nulls where they have no column", () => {
  const encoder = new CommitEncoder({
    commitId: "run-1",
    target: TARGET,
    source: SOURCE,
    maxBytes: 1_000_000,
    table: "t",
  });
  // Two of one length, which share their nulls, and one of another.
  const batches = [[1, null, 3], [4, 5, 6], [7]].map(batchOf);
  for (const batch of batches) encoder.add(batch);
  const rows = tableFromIPC(encoder.finish()).toArray() as { toJSON(): object }[];
  expect(rows.map((row) => row.toJSON())).toEqual(
    [1, null, 3, 4, 5, 6, 7].map((i, row) => ({
      t: i === null ? null : `text ${i}`,
      i,
      more: null,
      _commit: row === 0 ? "run-1" : null,
    })),
  );
});

test("frees a batch that it has taken, and takes none that was freed before", () => {
  const encoder = new CommitEncoder({ commitId: "a", target: TARGET, source: SOURCE, maxBytes: 1_000_000, table: "t" });
  const batch = batchOf([1, null, 3, 4]);
  const [first, second] = [batch.slice(0, 2), batch.slice(2, 4)];
  encoder.add(first);
  for (const { values } of first.data.children) expect((values as Uint8Array).byteLength).toBe(0);
  expect(() => encoder.add(second)).toThrow();
});
