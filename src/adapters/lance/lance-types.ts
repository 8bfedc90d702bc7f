import {
  type DataType as ArrowType,
  Binary,
  Bool,
  DataType as Arrow,
  DateDay,
  Decimal,
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
  Precision,
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
import { type DataType, formatDataType } from "../../model/data-type.js";
import { isKept } from "./column-storage.js";

/** The key of the field metadata that names a type which Arrow has no word for, as the JSON of its `DataType`. */
const TYPE_METADATA_KEY = "millrace.type";

/**
 * The field of a column that is made for this type. Enums become text, since Lance keeps no closed set of values.
 *
 * @param type one that `lanceStorage` lets pass.
 */
export function lanceField(name: string, type: DataType): Field {
  const mark = MARKED.has(type.kind) ? new Map([[TYPE_METADATA_KEY, JSON.stringify(type)]]) : undefined;
  return new Field(name, arrowType(type), true, mark);
}

/** A field in the model's words; what this adapter cannot read is `opaque`. */
export function dataTypeOf(field: Field): DataType {
  const type = field.type as ArrowType;
  const marked = markedKind(field.metadata.get(TYPE_METADATA_KEY));
  if (marked === "uuid" && Arrow.isFixedSizeBinary(type) && type.byteWidth === 16) return { kind: "uuid" };
  if ((marked === "json" || marked === "bit") && Arrow.isUtf8(type)) return { kind: marked };
  if (Arrow.isNull(type)) return { kind: "null" };
  if (Arrow.isBool(type)) return { kind: "boolean" };
  if (Arrow.isInt(type)) return { kind: "integer", bits: type.bitWidth, signed: type.isSigned };
  if (Arrow.isFloat(type) && type.precision !== Precision.HALF) {
    return { kind: "float", bits: type.precision === Precision.SINGLE ? 32 : 64 };
  }
  if (Arrow.isDecimal(type) && type.bitWidth === 128 && type.scale >= 0 && type.scale <= type.precision) {
    return { kind: "decimal", precision: type.precision, scale: type.scale };
  }
  if (Arrow.isUtf8(type) || Arrow.isLargeUtf8(type)) return { kind: "text" };
  if (Arrow.isDictionary(type) && Arrow.isUtf8(type.dictionary as ArrowType)) return { kind: "text" };
  if (Arrow.isBinary(type) || Arrow.isLargeBinary(type) || Arrow.isFixedSizeBinary(type)) return { kind: "bytes" };
  if (Arrow.isDate(type)) return { kind: "date" };
  if (Arrow.isTime(type)) return { kind: "time", unit: type.unit === TimeUnit.NANOSECOND ? "ns" : "us", zoned: false };
  if (Arrow.isTimestamp(type)) {
    return { kind: "timestamp", unit: UNITS[type.unit], zoned: (type.timezone ?? "") !== "" };
  }
  if (Arrow.isList(type)) return { kind: "list", item: dataTypeOf(type.valueField) };
  if (Arrow.isFixedSizeList(type) && type.listSize > 0) {
    return { kind: "array", item: dataTypeOf(type.valueField), length: type.listSize };
  }
  if (Arrow.isStruct(type)) {
    return { kind: "struct", fields: type.children.map((child) => ({ name: child.name, type: dataTypeOf(child) })) };
  }
  if (Arrow.isMap(type)) {
    const [key, value] = (type.children[0]!.type as ArrowType).children;
    if (key && value) return { kind: "map", key: dataTypeOf(key), value: dataTypeOf(value) };
  }
  return { kind: "opaque", name: `Arrow ${arrowTypeName(type)}` };
}

/** The type as Arrow spells it. */
export function arrowTypeName(type: ArrowType): string {
  return (type as { toString(): string }).toString();
}

/**
 * Whether values of the field's type can be written in its layout: the one that Millrace gives such columns, or the one
 * with 64-bit offsets that other libraries give texts. Others, such as dictionaries, can be read and not written. A zone
 * other than UTC changes no value.
 */
export function isWritten(field: Field): boolean {
  const type = dataTypeOf(field);
  if (type.kind === "timestamp") return true;
  const layout = arrowTypeName(field.type as ArrowType).replaceAll("Large", "");
  return isKept(type) && arrowTypeName(arrowType(type)) === layout;
}

const MARKED: ReadonlySet<DataType["kind"]> = new Set(["json", "uuid", "bit"]);

const UNITS = {
  [TimeUnit.SECOND]: "s",
  [TimeUnit.MILLISECOND]: "ms",
  [TimeUnit.MICROSECOND]: "us",
  [TimeUnit.NANOSECOND]: "ns",
} as const;

const TIME_UNITS = {
  s: TimeUnit.SECOND,
  ms: TimeUnit.MILLISECOND,
  us: TimeUnit.MICROSECOND,
  ns: TimeUnit.NANOSECOND,
} as const;

function arrowType(type: DataType): ArrowType {
  switch (type.kind) {
    case "boolean":
      return new Bool();
    case "integer":
      if (type.bits === 128) throw letThrough(type);
      return type.signed ? new SIGNED[type.bits]() : new UNSIGNED[type.bits]();
    case "float":
      return type.bits === 32 ? new Float32() : new Float64();
    case "decimal":
      return new Decimal(type.scale, type.precision, 128);
    case "text":
    case "json":
    case "bit":
    case "enum":
      return new Utf8();
    case "bytes":
      return new Binary();
    case "uuid":
      return new FixedSizeBinary(16);
    case "date":
      return new DateDay();
    case "time":
      return type.unit === "ns" ? new TimeNanosecond() : new TimeMicrosecond();
    case "timestamp":
      return new Timestamp(TIME_UNITS[type.unit], type.zoned ? "UTC" : null);
    case "list":
      return new List(lanceField("item", type.item));
    case "array":
      return new FixedSizeList(type.length, lanceField("item", type.item));
    case "struct":
      return new Struct(type.fields.map((field) => lanceField(field.name, field.type)));
    default:
      throw letThrough(type);
  }
}

function letThrough(type: DataType): TypeError {
  return new TypeError(`${formatDataType(type)} was let through`);
}

const SIGNED = { 8: Int8, 16: Int16, 32: Int32, 64: Int64 } as const;
const UNSIGNED = { 8: Uint8, 16: Uint16, 32: Uint32, 64: Uint64 } as const;

function markedKind(json: string | undefined): unknown {
  if (json === undefined) return undefined;
  try {
    const mark: unknown = JSON.parse(json);
    return typeof mark === "object" && mark !== null && "kind" in mark ? mark.kind : undefined;
  } catch {
    // Somebody else's metadata under our key: the Arrow type alone still says how to read the column.
    return undefined;
  }
}
