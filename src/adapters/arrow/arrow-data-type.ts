import { DataType as ArrowType, type Field, Precision, TimeUnit } from "apache-arrow";
import type { DataType, StructField } from "../../model/data-type.js";
import { arrowTypeName, childFields, fieldType } from "./arrow-type-parts.js";

/** The key of the field metadata that names a type which Arrow has no word for, as the JSON of its `DataType`. */
export const TYPE_METADATA_KEY = "millrace.type";

/**
 * An Arrow field in the model's words: by its `millrace.type` where that agrees with the Arrow type, otherwise by the
 * Arrow type alone. Half floats, unions, calendar intervals, decimals beyond 128 bits and dictionaries of anything but
 * text become `opaque`.
 */
export function dataTypeOfArrow(field: Field): DataType {
  return markedType(field) ?? plainType(fieldType(field));
}

function plainType(type: ArrowType): DataType {
  if (ArrowType.isNull(type)) return { kind: "null" };
  if (ArrowType.isBool(type)) return { kind: "boolean" };
  if (ArrowType.isInt(type)) return { kind: "integer", bits: type.bitWidth, signed: type.isSigned };
  if (ArrowType.isFloat(type) && type.precision !== Precision.HALF) {
    return { kind: "float", bits: type.precision === Precision.SINGLE ? 32 : 64 };
  }
  if (ArrowType.isDecimal(type) && type.bitWidth === 128 && type.scale >= 0 && type.scale <= type.precision) {
    return { kind: "decimal", precision: type.precision, scale: type.scale };
  }
  if (isText(type)) return { kind: "text" };
  if (ArrowType.isBinary(type) || ArrowType.isLargeBinary(type) || ArrowType.isFixedSizeBinary(type)) {
    return { kind: "bytes" };
  }
  if (isTextDictionary(type)) return { kind: "text" };
  if (ArrowType.isDate(type)) return { kind: "date" };
  if (ArrowType.isTime(type)) {
    return { kind: "time", unit: type.unit === TimeUnit.NANOSECOND ? "ns" : "us", zoned: false };
  }
  if (ArrowType.isTimestamp(type)) {
    return { kind: "timestamp", unit: UNITS[type.unit], zoned: (type.timezone ?? "") !== "" };
  }
  if (ArrowType.isDuration(type)) return { kind: "interval" };
  if (ArrowType.isList(type)) return { kind: "list", item: dataTypeOfArrow(type.valueField) };
  if (ArrowType.isFixedSizeList(type) && type.listSize > 0) {
    return { kind: "array", item: dataTypeOfArrow(type.valueField), length: type.listSize };
  }
  if (ArrowType.isStruct(type)) return { kind: "struct", fields: structFields(type.children) };
  if (ArrowType.isMap(type)) {
    const [key, value] = childFields(type.children[0]!);
    if (key && value) return { kind: "map", key: dataTypeOfArrow(key), value: dataTypeOfArrow(value) };
  }
  return { kind: "opaque", name: `Arrow ${arrowTypeName(type)}` };
}

/** The type that the field's metadata names, if there is one and the Arrow type can carry it. */
function markedType(field: Field): DataType | undefined {
  const type = fieldType(field);
  const mark = parseMark(field.metadata.get(TYPE_METADATA_KEY));
  switch (mark?.kind) {
    case "integer":
      return isSixteenBytes(type) ? { kind: "integer", bits: 128, signed: mark.signed === true } : undefined;
    case "uuid":
    case "interval":
      return isSixteenBytes(type) ? { kind: mark.kind } : undefined;
    case "bignum":
      return ArrowType.isBinary(type) ? { kind: "bignum" } : undefined;
    case "json":
    case "bit":
      return isText(type) ? { kind: mark.kind } : undefined;
    case "time":
      return ArrowType.isInt(type) && type.bitWidth === 64 ? { kind: "time", unit: "us", zoned: true } : undefined;
    case "enum":
      return isTextDictionary(type) && isTexts(mark.values) ? { kind: "enum", values: mark.values } : undefined;
    case "union":
      return ArrowType.isStruct(type) && type.children.length > 1
        ? { kind: "union", members: structFields(type.children.slice(1)) }
        : undefined;
    default:
      return undefined;
  }
}

interface Mark {
  readonly kind?: unknown;
  readonly signed?: unknown;
  readonly values?: unknown;
}

function parseMark(json: string | undefined): Mark | undefined {
  if (json === undefined) return undefined;
  try {
    const mark: unknown = JSON.parse(json);
    return typeof mark === "object" && mark !== null ? mark : undefined;
  } catch {
    // Somebody else's metadata under our key: the Arrow type alone still says how to read the column.
    return undefined;
  }
}

function structFields(fields: readonly Field[]): StructField[] {
  return fields.map((field) => ({ name: field.name, type: dataTypeOfArrow(field) }));
}

function isText(type: ArrowType): boolean {
  return ArrowType.isUtf8(type) || ArrowType.isLargeUtf8(type);
}

function isTextDictionary(type: ArrowType): boolean {
  return ArrowType.isDictionary(type) && isText(type.dictionary as ArrowType);
}

function isSixteenBytes(type: ArrowType): boolean {
  return ArrowType.isFixedSizeBinary(type) && type.byteWidth === 16;
}

function isTexts(values: unknown): values is string[] {
  return Array.isArray(values) && values.every((value) => typeof value === "string");
}

const UNITS = {
  [TimeUnit.SECOND]: "s",
  [TimeUnit.MILLISECOND]: "ms",
  [TimeUnit.MICROSECOND]: "us",
  [TimeUnit.NANOSECOND]: "ns",
} as const;
