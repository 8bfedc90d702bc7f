import {
  type DataType as ArrowType,
  Binary,
  Bool,
  DateDay,
  Decimal,
  Dictionary,
  Field,
  FixedSizeBinary,
  FixedSizeList,
  Float32,
  Float64,
  Int16,
  Int32,
  Int64,
  Int8,
  List,
  Map_,
  Null,
  Schema,
  Struct,
  TimeMicrosecond,
  TimeNanosecond,
  Timestamp,
  TimeUnit,
  Uint16,
  Uint32,
  Uint64,
  Uint8,
  Utf8,
} from "apache-arrow";
import type { DataType, StructField } from "../../model/data-type.js";
import type { TableSchema } from "../../model/table-schema.js";
import { dataTypeOfArrow, TYPE_METADATA_KEY } from "./arrow-data-type.js";
import { arrowTypeName, fieldType } from "./arrow-type-parts.js";
import { refuseUnsupportedColumns } from "./unsupported-columns.js";

/**
 * The Arrow schema of batches that hold a table's rows.
 *
 * This table is the convention between engines and destinations: which Arrow type carries which type of the model.
 * A star marks the fields whose metadata has `millrace.type`; without it the Arrow type would say less.
 *
 * | Type               | Arrow                           | Values                                                  |
 * |--------------------|---------------------------------|---------------------------------------------------------|
 * | null               | Null                            |                                                         |
 * | boolean            | Bool                            |                                                         |
 * | integer, 8 to 64   | Int8 … Int64, Uint8 … Uint64    |                                                         |
 * | integer, 128       | FixedSizeBinary(16) *           | little-endian, two's complement when signed             |
 * | bignum             | Binary *                        | see below                                               |
 * | float              | Float32, Float64                |                                                         |
 * | decimal            | Decimal128(precision, scale)    | the unscaled integer, four little-endian 32-bit words   |
 * | text               | Utf8                            |                                                         |
 * | json               | Utf8 *                          | the text as the system keeps it                         |
 * | enum               | Dictionary of Utf8 *            | keys Uint8 to 255 values, Uint16 to 65,535, else Uint32 |
 * | bytes              | Binary                          |                                                         |
 * | bit                | Utf8 *                          | one `0` or `1` for each bit                             |
 * | uuid               | FixedSizeBinary(16) *           | in the order in which it is printed                     |
 * | date               | Date32                          | days since 1970-01-01; ±(2^31-1) is ±infinity           |
 * | time               | Time64 of its unit              | since midnight; 24:00:00 is possible                    |
 * | time, zoned        | Uint64 *                        | microseconds << 24, plus 57,599 - offset in seconds     |
 * | timestamp          | Timestamp of its unit           | since 1970-01-01; ±(2^63-1) is ±infinity                |
 * | timestamp, zoned   | Timestamp of its unit, zone UTC | the same                                                |
 * | interval           | FixedSizeBinary(16) *           | int32 months, int32 days, int64 microseconds            |
 * | list               | List, child `item`              |                                                         |
 * | array              | FixedSizeList, child `item`     |                                                         |
 * | struct             | Struct                          | field names may be empty (`row(1, 2)`)                  |
 * | map                | Map, children `key` and `value` |                                                         |
 * | union              | Struct *                        | `tag`: Uint8, the member's index; then every member     |
 * | any, opaque        | refused                         |                                                         |
 *
 * A bignum has DuckDB's bytes: three with the sign in the top bit (set: not negative) and the length of the magnitude,
 * then the magnitude, highest byte first; a negative number has every bit of all that inverted. Digits would take time
 * quadratic in their number. A union is no Arrow union, because those cannot tell a null from a member that holds one.
 * Every field is nullable but the keys of maps, whose nulls Arrow forbids.
 *
 * @throws JobError `unsupported_query`, with `columns`, when a column's type has no place in the table.
 */
export function arrowSchema(schema: TableSchema): Schema {
  refuseUnsupportedColumns(schema);
  let dictionaries = 0;
  return new Schema(schema.columns.map(({ name, type }) => field(name, type)));

  function field(name: string, type: DataType, nullable = true): Field<ArrowType> {
    const logical = logicalType(type);
    const metadata = logical && new Map([[TYPE_METADATA_KEY, JSON.stringify(logical)]]);
    return new Field(name, arrowType(type), nullable, metadata);
  }

  function fields(parts: readonly StructField[]): Field<ArrowType>[] {
    return parts.map(({ name, type }) => field(name, type));
  }

  function arrowType(type: DataType): ArrowType {
    switch (type.kind) {
      case "null":
        return new Null();
      case "boolean":
        return new Bool();
      case "integer":
        return integerType(type.bits, type.signed);
      case "float":
        return type.bits === 32 ? new Float32() : new Float64();
      case "decimal":
        return new Decimal(type.scale, type.precision, 128);
      case "text":
      case "json":
      case "bit":
        return new Utf8();
      case "enum":
        // Numbered within the schema: Arrow's own numbers come from a counter of the process.
        return new Dictionary(new Utf8(), enumKeyType(type.values.length), dictionaries++);
      case "bytes":
      case "bignum":
        return new Binary();
      case "uuid":
      case "interval":
        return new FixedSizeBinary(16);
      case "date":
        return new DateDay();
      case "time":
        return type.zoned ? new Uint64() : type.unit === "ns" ? new TimeNanosecond() : new TimeMicrosecond();
      case "timestamp":
        return new Timestamp(TIME_UNITS[type.unit], type.zoned ? "UTC" : null);
      case "list":
        return new List(field("item", type.item));
      case "array":
        return new FixedSizeList(type.length, field("item", type.item));
      case "struct":
        return new Struct(fields(type.fields));
      case "map": {
        const entry = new Struct<MapEntry>([field("key", type.key, false), field("value", type.value)]);
        return new Map_(new Field("entries", entry, false));
      }
      case "union":
        return new Struct([new Field("tag", new Uint8(), true), ...fields(type.members)]);
      case "any":
      case "opaque":
        throw new TypeError(`${type.kind} was let through`);
    }
  }
}

/**
 * What a table of Arrow batches holds. Any Arrow schema is taken, not only ours: what this adapter cannot read is
 * `opaque`, so that it can be named in an error. Columns are nullable whatever the fields say, since Arrow for
 * JavaScript marks a column without nulls as not nullable.
 */
export function tableSchemaOfArrow(schema: Schema): TableSchema {
  return {
    columns: schema.fields.map((column) => ({
      name: column.name,
      type: dataTypeOfArrow(column),
      nullable: true,
      nativeType: arrowTypeName(fieldType(column)),
    })),
  };
}

/** The part of a type that Arrow itself does not say, or undefined when it says all. */
function logicalType(type: DataType): object | undefined {
  switch (type.kind) {
    case "integer":
      return type.bits === 128 ? type : undefined;
    case "time":
      return type.zoned ? type : undefined;
    case "bignum":
    case "json":
    case "bit":
    case "uuid":
    case "interval":
    case "enum":
      return type;
    case "union":
      // The members are the Arrow children.
      return { kind: "union" };
    default:
      return undefined;
  }
}

// Not an interface: Arrow wants an index signature.
type MapEntry = {
  key: ArrowType;
  value: ArrowType;
};

const TIME_UNITS = {
  s: TimeUnit.SECOND,
  ms: TimeUnit.MILLISECOND,
  us: TimeUnit.MICROSECOND,
  ns: TimeUnit.NANOSECOND,
} as const;

function integerType(bits: 8 | 16 | 32 | 64 | 128, signed: boolean): ArrowType {
  switch (bits) {
    case 8:
      return signed ? new Int8() : new Uint8();
    case 16:
      return signed ? new Int16() : new Uint16();
    case 32:
      return signed ? new Int32() : new Uint32();
    case 64:
      return signed ? new Int64() : new Uint64();
    case 128:
      return new FixedSizeBinary(16);
  }
}

/** DuckDB's own code widths, so that codes move unchanged. */
function enumKeyType(values: number): Uint8 | Uint16 | Uint32 {
  return values < 256 ? new Uint8() : values < 65_536 ? new Uint16() : new Uint32();
}
