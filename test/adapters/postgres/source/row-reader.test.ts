import { describe, expect, it } from "vitest";
import { BatchWriter } from "../../../../src/adapters/arrow/batch-writer.js";
import { columnDecoders } from "../../../../src/adapters/postgres/source/decoders/column-decoders.js";
import { schemaOf } from "../../../../src/adapters/postgres/source/readable-table.js";
import { RowReader } from "../../../../src/adapters/postgres/source/row-reader.js";
import { type NativeColumn, wireColumn } from "../../../../src/adapters/postgres/source/wire-column.js";

const SIGNATURE = [...Buffer.from("PGCOPY\n"), 0xff, 0x0d, 0x0a, 0];
const HEADER = [...SIGNATURE, 0, 0, 0, 0, 0, 0, 0, 0];
const SEVEN = [0, 1, 0, 0, 0, 4, 0, 0, 0, 7];
const NULL = [0, 1, 0xff, 0xff, 0xff, 0xff];
const TRAILER = [0xff, 0xff];

const INTEGER = {
  name: "n",
  declared: "integer",
  base: "integer",
  nullable: true,
  isArray: false,
  oid: 23,
  modifier: -1,
  labels: null,
  isDeterministic: true,
};

/** Reads a copy of one integer column, whose messages hold these bytes. */
function read(...messages: readonly (readonly number[])[]) {
  return readAs(INTEGER, messages);
}

function readAs(column: NativeColumn, messages: readonly (readonly number[])[]) {
  const columns = [wireColumn(column, {})];
  const batch = new BatchWriter(schemaOf({ columns }));
  const reader = new RowReader(batch, columnDecoders(columns, batch));
  const bytes = Buffer.concat(
    messages.map((message) => {
      const header = Buffer.alloc(5);
      header.write("d");
      header.writeUInt32BE(message.length + 4, 1);
      return Buffer.concat([header, Buffer.from(message)]);
    }),
  );
  for (let at = 0; at < bytes.length;) at = reader.read(bytes, at);
  const { rows, hasEnded } = reader;
  return { rows, hasEnded, values: [...batch.take().getChildAt(0)!] as unknown[] };
}

describe("RowReader", () => {
  it.each([
    ["with its first row", [[...HEADER, ...SEVEN], NULL, TRAILER]],
    ["alone", [HEADER, SEVEN, NULL, TRAILER]],
    ["with what it says beyond", [[...SIGNATURE, 0, 0, 0, 1, 0, 0, 0, 2, 9, 9], SEVEN, NULL, TRAILER]],
  ])("takes the header %s", (_, messages) => {
    expect(read(...messages)).toEqual({ rows: 2, hasEnded: true, values: [7, null] });
  });

  it("takes a copy without rows", () => {
    expect(read([...HEADER, ...TRAILER])).toEqual({ rows: 0, hasEnded: true, values: [] });
  });

  it("does not take the last row for the end", () => {
    expect(read([...HEADER, ...SEVEN])).toMatchObject({ rows: 1, hasEnded: false });
  });

  it.each<[string, number[][]]>([
    ["another signature", [[...HEADER.with(3, 0), ...SEVEN]]],
    ["a flag that changes the form", [[...SIGNATURE, 0, 1, 0, 0, 0, 0, 0, 0, ...SEVEN]]],
    ["a row with too many fields", [[...HEADER, 0, 2, 0, 0, 0, 4, 0, 0, 0, 7, 0, 0, 0, 0]]],
    ["a row with too few", [[...HEADER, 0, 0]]],
    ["bytes behind a row", [[...HEADER, ...SEVEN, 0]]],
    ["a field that is longer than its message", [[...HEADER, 0, 1, 0, 0, 0, 5, 0, 0, 0, 7]]],
    ["a value of another length", [[...HEADER, 0, 1, 0, 0, 0, 2, 0, 7]]],
    ["a row behind the end", [[...HEADER, ...SEVEN], TRAILER, SEVEN]],
  ])("refuses %s", (_, messages) => {
    expect(() => read(...messages)).toThrow(RangeError);
  });

  it("refuses a label that the enum did not have when the table was looked at, by the column's name", () => {
    const label = (text: string) => [0, 1, 0, 0, 0, text.length, ...Buffer.from(text)];
    const mood = { ...INTEGER, oid: 16_384, labels: ["sad", "ok"] };
    expect(readAs(mood, [[...HEADER, ...label("ok")], NULL, TRAILER]).values).toEqual(["ok", null]);
    expect(() => readAs(mood, [[...HEADER, ...label("glad")]])).toThrow(
      expect.objectContaining({ code: "query_failed", columns: ["n"] }),
    );
  });
});
