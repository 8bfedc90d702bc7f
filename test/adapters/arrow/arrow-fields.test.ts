import { type DataType as ArrowType, Field, Float16, Float64, Int32, Schema, Utf8 } from "apache-arrow";
import { describe, expect, it } from "vitest";
import { arrowSchema, tableSchemaOfArrow } from "../../../src/adapters/arrow/arrow-fields.js";
import { dataTypeOfArrow } from "../../../src/adapters/arrow/arrow-data-type.js";
import { dataTypeOfDuckDB, duckDBTypeOf } from "../../../src/adapters/duckdb/arrow/duckdb-data-type.js";
import { type DataType, formatDataType } from "../../../src/model/data-type.js";

const LEAVES: DataType[] = [
  { kind: "null" },
  { kind: "boolean" },
  ...([8, 16, 32, 64, 128] as const).flatMap((bits) =>
    [true, false].map((signed) => ({ kind: "integer", bits, signed }) as const),
  ),
  { kind: "bignum" },
  { kind: "float", bits: 32 },
  { kind: "float", bits: 64 },
  ...[4, 9, 18, 19, 38].map((precision) => ({ kind: "decimal", precision, scale: 3 }) as const),
  { kind: "text" },
  { kind: "json" },
  { kind: "enum", values: ["a", "it's", "ß", ""] },
  { kind: "enum", values: Array.from({ length: 300 }, (_, index) => String(index)) },
  { kind: "bytes" },
  { kind: "bit" },
  { kind: "uuid" },
  { kind: "date" },
  { kind: "time", unit: "us", zoned: false },
  { kind: "time", unit: "ns", zoned: false },
  { kind: "time", unit: "us", zoned: true },
  ...(["s", "ms", "us", "ns"] as const).map((unit) => ({ kind: "timestamp", unit, zoned: false }) as const),
  { kind: "timestamp", unit: "us", zoned: true },
  { kind: "interval" },
];
const NESTED: DataType[] = LEAVES.flatMap((item): DataType[] => [
  { kind: "list", item },
  { kind: "array", item, length: 3 },
  {
    kind: "struct",
    fields: [
      { name: "a", type: item },
      { name: "b", type: { kind: "list", item } },
    ],
  },
  { kind: "map", key: item, value: { kind: "json" } },
  {
    kind: "union",
    members: [
      { name: "x", type: item },
      { name: "tag", type: { kind: "uuid" } },
    ],
  },
]);
const TYPES = [...LEAVES, ...NESTED];

describe("the convention between model and Arrow", () => {
  const table = { columns: TYPES.map((type, index) => ({ name: `c${index}`, type, nullable: true })) };
  const schema = arrowSchema(table);

  it("keeps every type there and back", () => {
    const back = tableSchemaOfArrow(schema).columns.map(({ name, type }) => ({ name, type, nullable: true }));
    expect(back).toEqual(table.columns);
  });
  it("keeps every field there and back, keys and metadata included", () => {
    expect(told(arrowSchema(tableSchemaOfArrow(schema)))).toEqual(told(schema));
  });
  it("makes every field nullable, but the keys of maps", () => {
    const required = schema.fields.flatMap(requiredFields);
    expect(new Set(required)).toEqual(new Set(["entries", "key"]));
  });
  it("numbers dictionaries within the schema, so that equal schemas are equal", () => {
    expect(told(arrowSchema(table))).toEqual(told(schema));
  });

  function told(of: Schema): unknown {
    return of.fields.map(tellField);
  }
  function tellField(field: Field): unknown {
    const type = field.type as ArrowType & { id?: number };
    return [
      field.name,
      field.nullable,
      formatDataType(dataTypeOfArrow(field)),
      type.typeId,
      type.id,
      [...field.metadata],
      (type.children ?? []).map(tellField),
    ];
  }
  function requiredFields(field: Field): string[] {
    const below = ((field.type as ArrowType).children ?? []).flatMap(requiredFields);
    return field.nullable ? below : [field.name, ...below];
  }
});

describe("the types of DuckDB", () => {
  it.each(TYPES.map((type) => [formatDataType(type).slice(0, 80), type] as const))(
    "keeps %s there and back",
    (_, type) => {
      expect(dataTypeOfDuckDB(duckDBTypeOf(type)!)).toEqual(type);
    },
  );
  it("has none for what can be anything", () => {
    expect(duckDBTypeOf({ kind: "any" })).toBeUndefined();
    expect(duckDBTypeOf({ kind: "list", item: { kind: "opaque", name: "GEOMETRY" } })).toBeUndefined();
  });
});

describe("fields of somebody else's", () => {
  const typeOf = (type: ArrowType, mark?: string): DataType => {
    const metadata = mark === undefined ? undefined : new Map([["millrace.type", mark]]);
    return tableSchemaOfArrow(new Schema([new Field("c", type, false, metadata)])).columns[0]!.type;
  };

  it("are nullable, whatever they say: Arrow for JavaScript infers it from the values", () => {
    expect(tableSchemaOfArrow(new Schema([new Field("c", new Int32(), false)])).columns[0]!.nullable).toBe(true);
  });
  it("are named in the words of Arrow where the model has none", () => {
    expect(typeOf(new Float16())).toEqual({ kind: "opaque", name: "Arrow Float16" });
  });
  it.each([
    ["no JSON", "uuid"],
    ["a kind that the Arrow type cannot carry", '{"kind":"uuid"}'],
    ["a kind that does not exist", '{"kind":"toString"}'],
    ["null", "null"],
  ])("are read by their Arrow type when our mark on them is %s", (_, mark) => {
    expect(typeOf(new Utf8(), mark)).toEqual({ kind: "text" });
    expect(typeOf(new Float64(), mark)).toEqual({ kind: "float", bits: 64 });
  });
});
