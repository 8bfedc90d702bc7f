import { expect, it } from "vitest";
import type { DataType } from "../../../src/model/data-type.js";
import { write } from "../../../src/testing/destination/destination-fixture.js";
import type { SampleValue } from "../../../src/testing/rows/column-buffers.js";
import { recordBatch } from "../../../src/testing/rows/record-batch.js";
import { sqliteFile } from "../../support/sqlite-file.js";

const COLUMNS: readonly (readonly [name: string, type: DataType, value: SampleValue])[] = [
  ["word", { kind: "text" }, "a\0ä€😀"],
  ["blank", { kind: "text" }, ""],
  ["day", { kind: "date" }, 1],
  ["price", { kind: "decimal", precision: 10, scale: 2 }, -5n],
];

it.each(["UTF-8", "UTF-16le", "UTF-16be"])("texts are texts in a file of %s", async (encoding) => {
  await using file = await sqliteFile(
    `pragma encoding = '${encoding}'; create table t (word text, blank text, day text, price text)`,
  );
  const schema = { columns: COLUMNS.map(([name, type]) => ({ name, type, nullable: true })) };
  const batch = recordBatch(schema, [Object.fromEntries(COLUMNS.map(([name, , value]) => [name, value]))]);
  await write(file.destination("t"), { commitId: "a", schema, steps: [batch] });
  expect(file.open().prepare("select *, typeof(word) as kind from t").all()).toEqual([
    { word: "a\0ä€😀", blank: "", day: "1970-01-02", price: "-0.05", kind: "text" },
  ]);
});
