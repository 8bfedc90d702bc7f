import { type DataType, formatDataType, type StructField } from "../model/data-type.js";
import type { JsonValue } from "../model/json.js";

/** A JSON Schema (2020-12) as plain data. */
export type JsonSchema = { readonly [keyword: string]: JsonValue };

/** What a parameter without a type takes in JSON. */
export const INFERRED_SCHEMA: JsonSchema = { type: ["string", "number", "boolean", "null", "array"] };

/** The JSON values that a parameter of this type takes; null goes with every type. */
export function dataTypeSchema(type: DataType): JsonSchema {
  return { title: formatDataType(type), anyOf: [bareSchema(type), { type: "null" }] };
}

const FRACTION = { s: "", ms: "(\\.[0-9]{1,3}0*)?", us: "(\\.[0-9]{1,6}0*)?", ns: "(\\.[0-9]{1,9}0*)?" } as const;
const CLOCK = "[0-9]{2}:[0-9]{2}(:[0-9]{2}";
const OFFSET = "(Z|[+-][0-9]{2}(:[0-9]{2}(:[0-9]{2})?)?)";

function bareSchema(type: DataType): JsonSchema {
  switch (type.kind) {
    case "boolean":
      return { type: "boolean" };
    case "integer":
      return type.bits <= 32 ? integerSchema(type.bits, type.signed) : longSchema(type.signed);
    case "bignum":
      return longSchema(true);
    case "float":
      return { anyOf: [{ type: "number" }, { enum: ["NaN", "Infinity", "-Infinity", "-0"] }] };
    case "decimal":
      return { anyOf: [{ type: "number" }, textSchema("-?[0-9]{1,100}(\\.[0-9]{1,100})?")] };
    case "text":
      return { type: "string" };
    case "json":
      return { description: "JSON text, or any other JSON value as it is." };
    case "enum":
      return { enum: type.values };
    case "bytes":
      return { type: "string", contentEncoding: "base64" };
    case "bit":
      return textSchema("[01]+");
    case "uuid":
      return { type: "string", format: "uuid" };
    case "date":
      return { type: "string", format: "date" };
    case "time":
      return textSchema(`${CLOCK}${FRACTION[type.unit]})?${type.zoned ? OFFSET : ""}`);
    case "timestamp":
      if (type.zoned) return { type: "string", format: "date-time" };
      return textSchema(`[0-9]{4}-[0-9]{2}-[0-9]{2}([T ]${CLOCK}${FRACTION[type.unit]})?)?`);
    case "interval":
      return {
        ...objectSchema([
          ["months", integerSchema(32, true)],
          ["days", integerSchema(32, true)],
          ["micros", longSchema(true)],
        ]),
        minProperties: 1,
      };
    case "list":
      return { type: "array", items: dataTypeSchema(type.item) };
    case "array":
      return { type: "array", items: dataTypeSchema(type.item), minItems: type.length, maxItems: type.length };
    case "struct":
      return { ...fieldsSchema(type.fields), required: type.fields.map(({ name }) => name) };
    case "map": {
      const pair = { prefixItems: [bareSchema(type.key), dataTypeSchema(type.value)], items: false, minItems: 2 };
      return { type: "array", items: { type: "array", ...pair } };
    }
    case "union":
      return { ...fieldsSchema(type.members), minProperties: 1, maxProperties: 1 };
    case "null":
    case "any":
    case "opaque":
      return { type: "null" };
  }
}

function integerSchema(bits: number, signed: boolean): JsonSchema {
  const maximum = 2 ** (signed ? bits - 1 : bits) - 1;
  return { type: "integer", minimum: signed ? -maximum - 1 : 0, maximum };
}

/** Beyond what a JSON number carries everywhere, text of digits. */
function longSchema(signed: boolean): JsonSchema {
  const maximum = Number.MAX_SAFE_INTEGER;
  return {
    anyOf: [
      { type: "integer", minimum: signed ? -maximum : 0, maximum },
      textSchema(`${signed ? "-?" : ""}[0-9]{1,10000}`),
    ],
  };
}

function textSchema(pattern: string): JsonSchema {
  return { type: "string", pattern: `^${pattern}$` };
}

function fieldsSchema(fields: readonly StructField[]): JsonSchema {
  return objectSchema(fields.map(({ name, type }) => [name, dataTypeSchema(type)]));
}

function objectSchema(properties: readonly (readonly [string, JsonSchema])[]): JsonSchema {
  return { type: "object", properties: Object.fromEntries(properties), additionalProperties: false };
}
