import type { RecordBatch } from "apache-arrow";
import { describe, expect, it } from "vitest";
import { tablePlace } from "../../../../src/adapters/mysql/destination/place.js";
import { BatchTaker } from "../../../../src/adapters/mysql/source/batch-taker.js";
import type { ReadColumn } from "../../../../src/adapters/mysql/source/read-table.js";
import type { DataType } from "../../../../src/model/data-type.js";

const PLACE = tablePlace("t", "app")!;

function column(name: string, native: string, type: DataType): ReadColumn {
  const parsed = { name: native, modifiers: [], unsigned: false, labels: [] };
  return { name, type, nullable: true, native: parsed, charset: null, collation: null, zeroIsNull: false };
}

const N = column("n", "int", { kind: "integer", bits: 32, signed: true });
const T = column("t", "varchar", { kind: "text" });
const D = column("d", "date", { kind: "date" });

/** Takes rows of the binary protocol: the bits of nulls, and then the values. */
function take(columns: readonly ReadColumn[], rows: readonly (readonly number[])[]) {
  const batches: RecordBatch[] = [];
  const taker = new BatchTaker(PLACE, columns, (batch) => batches.push(batch));
  const bytes = Buffer.from(rows.flat());
  let at = 0;
  const ends = Int32Array.from(rows, ({ length }) => (at += length));
  taker.rows(bytes, Int32Array.from([0, ...ends]), ends, rows.length);
  taker.finish();
  return batches;
}

const SEVEN = [7, 0, 0, 0];

describe("BatchTaker", () => {
  it("takes values and nulls of many columns", () => {
    const columns = Array.from({ length: 20 }, (_, index) => ({ ...N, name: `n${index}` }));
    const odd = [0b1010_1000, 0b1010_1010, 0b0010_1010];
    const [batch] = take(columns, [
      [0, 0, 0, ...columns.flatMap(() => SEVEN)],
      [...odd, ...Array.from({ length: 10 }, () => SEVEN).flat()],
    ]);
    const second = batch!.schema.fields.map((_, index) => batch!.getChildAt(index)!.get(1) as unknown);
    expect(second).toEqual(columns.map((_, index) => (index % 2 === 0 ? 7 : null)));
  });

  it.each([
    ["up to 250 bytes", [250], 250],
    ["of two bytes", [0xfc, 1, 1], 257],
    ["of three bytes", [0xfd, 1, 0, 1], 65_537],
    ["of eight bytes", [0xfe, 2, 1, 0, 0, 0, 0, 0, 0], 258],
  ])("takes lengths %s", (_, length, count) => {
    const text = Array.from({ length: count }, () => 0x61);
    const [batch] = take([T, N], [[0, ...length, ...text, ...SEVEN]]);
    expect(batch!.getChildAt(0)!.get(0)).toBe("a".repeat(count));
    expect(batch!.getChildAt(1)!.get(0)).toBe(7);
  });

  it.each([
    ["longer than its columns", [0, ...SEVEN, 1, 0x61, 0]],
    ["shorter", [0, ...SEVEN]],
    ["with a text that is longer than the row", [0, ...SEVEN, 2, 0x61]],
    ["with a mark that is no length", [0, ...SEVEN, 0xfb]],
    ["with a text of a length beyond all", [0, ...SEVEN, 0xfe, 0, 0, 0, 0, 0, 0, 0, 0x10, 0x61]],
  ])("refuses a row %s", (_, row) => {
    expect(() => take([N, T], [[0, ...SEVEN, 0], row, [0, ...SEVEN, 0]])).toThrow(/longer or shorter than its columns/);
  });

  it.each([1, 2, 1_025, 20_000])("names the row of a value that cannot be read: %i", (bad) => {
    const rows = Array.from({ length: 20_001 }, (_, index) => [
      0,
      ...SEVEN,
      4,
      ...(index + 1 === bad ? [0, 0, 0, 0] : [0xd1, 0x07, 2, 3]),
    ]);
    expect(() => take([N, D], rows)).toThrow(
      expect.objectContaining({
        code: "query_failed",
        message: expect.stringContaining(`row ${bad} of the scan has a date without`) as string,
        columns: ["d"],
      }),
    );
  });
});
