import { type Data, Field, Int32, List, makeData, RecordBatch, Table, Utf8, vectorFromArray } from "apache-arrow";
import { expect, test } from "vitest";
import { BufferBin } from "../../../src/adapters/arrow/buffer-bin.js";

test("frees buffers at once, and the memory that they weigh to the garbage collector", () => {
  const bin = new BufferBin();
  const before = process.memoryUsage().arrayBuffers;
  const buffers = [new ArrayBuffer(64 * 1024 * 1024), new ArrayBuffer(16)];
  bin.free(buffers);
  expect(buffers.map(({ byteLength }) => byteLength)).toEqual([0, 0]);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
  const later = new ArrayBuffer(16);
  bin.free([later]);
  expect(later.byteLength).toBe(0);
});

/** Four rows: texts, lists with nulls in them, and words of a dictionary. */
function batch(): RecordBatch {
  const columns = {
    text: vectorFromArray(["a", null, "ccc", ""], new Utf8()),
    list: vectorFromArray([[1, null], null, [3], []], new List(new Field("item", new Int32(), true))),
    word: vectorFromArray(["x", "y", null, "x"]),
  };
  return new Table(columns).batches[0]!;
}

function viewsOf({ values, valueOffsets, nullBitmap, children }: Data): ArrayBufferView[] {
  const own = [values, valueOffsets, nullBitmap] as (ArrayBufferView | null | undefined)[];
  return [...own.flatMap((view) => view ?? []), ...children.flatMap(viewsOf)];
}

test("frees all of a batch but its dictionaries", () => {
  const read = batch();
  const views = viewsOf(read.data).filter(({ byteLength }) => byteLength > 0);
  expect(views.length).toBeGreaterThan(8);
  new BufferBin().freeBatch(read);
  expect(views.map(({ byteLength }) => byteLength)).toEqual(views.map(() => 0));
  expect(read.data.children[2]!.dictionary!.toJSON()).toEqual(["x", "y"]);
});

test("says when a batch had been given away before, in whole or in part", () => {
  const given = batch();
  const [first, second] = [given.slice(0, 2), given.slice(2, 4)];
  new BufferBin().freeBatch(first);
  expect(() => new BufferBin().freeBatch(second)).toThrow(/memory/);
  const another = batch();
  structuredClone(null, { transfer: [viewsOf(another.data)[0]!.buffer as ArrayBuffer] });
  expect(() => new BufferBin().freeBatch(another)).toThrow(expect.objectContaining({ code: "internal_error" }));
});

test("a batch without a byte is no batch that was given away", () => {
  const texts = makeData({ type: new Utf8(), length: 1, valueOffsets: new Int32Array(2), data: new Uint8Array(0) });
  new BufferBin().freeBatch(new RecordBatch({ texts }));
  expect(texts.valueOffsets.byteLength).toBe(0);
});

test("leaves Node's own buffer to those who share it", () => {
  const shared = Buffer.from("of the pool");
  expect(shared.buffer.byteLength).toBe(Buffer.poolSize);
  const valueOffsets = Int32Array.of(0, shared.length);
  const texts = makeData({ type: new Utf8(), length: 1, valueOffsets, data: shared });
  new BufferBin().freeBatch(new RecordBatch({ texts }));
  expect(shared.toString()).toBe("of the pool");
});
