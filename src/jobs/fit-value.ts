import { type DataType, formatDataType } from "../model/data-type.js";
import type { ParameterValue } from "../model/job-definition.js";
import { canonicalJson } from "../model/json.js";
import { fitJson } from "./fit-json.js";
import { fitBignum, fitDecimal, fitFloat, fitInteger } from "./fit-number.js";
import { fitDate, fitInterval, fitTime, fitTimestamp } from "./fit-time.js";
import { kindOf, partsOf, type PlainValue } from "./plain-value.js";
import { ValueProblem } from "./value-problem.js";
import { assertWhole } from "./whole-text.js";

type Type<K extends DataType["kind"]> = Extract<DataType, { kind: K }>;

/**
 * A value in the form in which a parameter of this type is kept and bound: `docs/parameters.md`. Exact, but for the
 * rounding of FLOAT; and each type takes its own kept form.
 *
 * @throws ValueProblem for what does not fit.
 */
export function fitValue(value: PlainValue, type: DataType, path = ""): ParameterValue {
  if (value === null) return null;
  switch (type.kind) {
    case "boolean":
      return fitBoolean(value, path);
    case "integer":
      return fitInteger(value, type.bits, type.signed, path);
    case "bignum":
      return fitBignum(value, path);
    case "float":
      return fitFloat(value, type.bits, path);
    case "decimal":
      return fitDecimal(value, type.precision, type.scale, path);
    case "text":
      return fitText(value, path);
    case "json":
      return fitJson(value, path);
    case "enum":
      return fitEnum(value, type, path);
    case "bytes":
      return fitBytes(value, path);
    case "bit":
      return fitPattern(value, /^[01]+$/, "text of 0 and 1", path);
    case "uuid":
      return fitPattern(value, UUID, "a UUID as 8-4-4-4-12 hexadecimal digits", path).toLowerCase();
    case "date":
      return fitDate(value, path);
    case "time":
      return fitTime(value, type.unit, type.zoned, path);
    case "timestamp":
      return fitTimestamp(value, type.unit, type.zoned, path);
    case "interval":
      return fitInterval(value, path);
    case "list":
      return fitItems(value, type.item, path);
    case "array":
      return fitArray(value, type, path);
    case "struct":
      return fitStruct(value, type, path);
    case "map":
      return fitMap(value, type, path);
    case "union":
      return fitUnion(value, type, path);
    // No text that parseDataType reads gives one of these.
    case "null":
    case "any":
    case "opaque":
      throw new ValueProblem(`has a type that takes only null: ${formatDataType(type)}`, path);
  }
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function fitBoolean(value: PlainValue, path: string): boolean {
  if (typeof value === "boolean") return value;
  throw new ValueProblem(`needs true or false, not ${kindOf(value)}`, path);
}

function fitText(value: PlainValue, path: string): string {
  if (typeof value === "string") return assertWhole(value, path);
  throw new ValueProblem(`needs a string, not ${kindOf(value)}`, path);
}

function fitPattern(value: PlainValue, pattern: RegExp, need: string, path: string): string {
  if (typeof value === "string" && pattern.test(value)) return value;
  throw new ValueProblem(`needs ${need}`, path);
}

function fitEnum(value: PlainValue, type: Type<"enum">, path: string): string {
  const text = fitText(value, path);
  if (type.values.includes(text)) return text;
  throw new ValueProblem(`is none of the values of ${formatDataType(type)}`, path);
}

function fitBytes(value: PlainValue, path: string): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (typeof value !== "string")
    throw new ValueProblem(`needs a Uint8Array or base64 text, not ${kindOf(value)}`, path);
  // Decoding skips what it does not know; only the text that the bytes give again says the same.
  if (Buffer.from(value, "base64").toString("base64") === value) return value;
  throw new ValueProblem("is no base64 text with its padding", path);
}

function fitItems(value: PlainValue, item: DataType, path: string): readonly ParameterValue[] {
  if (!Array.isArray(value)) throw new ValueProblem(`needs an array, not ${kindOf(value)}`, path);
  return value.map((part: PlainValue, i) => fitValue(part, item, `${path}[${i}]`));
}

function fitArray(value: PlainValue, type: Type<"array">, path: string): ParameterValue {
  const items = fitItems(value, type.item, path);
  if (items.length === type.length) return items;
  throw new ValueProblem(`needs exactly ${type.length} items`, path);
}

function fitStruct(value: PlainValue, { fields }: Type<"struct">, path: string): ParameterValue {
  const parts = partsOf(value, path);
  if (parts.size !== fields.length || fields.some(({ name }) => !parts.has(name))) {
    throw new ValueProblem(`needs exactly the keys ${fields.map(({ name }) => `"${name}"`).join(", ")}`, path);
  }
  return Object.fromEntries(
    fields.map(({ name, type }) => [name, fitValue(parts.get(name) ?? null, type, `${path}.${name}`)]),
  );
}

function fitUnion(value: PlainValue, { members }: Type<"union">, path: string): ParameterValue {
  const parts = partsOf(value, path);
  const member = members.find(({ name }) => parts.has(name));
  if (member === undefined || parts.size !== 1) {
    throw new ValueProblem(`needs exactly one of the keys ${members.map(({ name }) => `"${name}"`).join(", ")}`, path);
  }
  return { [member.name]: fitValue(parts.get(member.name) ?? null, member.type, `${path}.${member.name}`) };
}

function fitMap(value: PlainValue, type: Type<"map">, path: string): ParameterValue {
  const entries: [ParameterValue, ParameterValue][] = pairsOf(value, path).map(([key, part], i) => [
    fitValue(key, type.key, `${path}[${i}].key`),
    fitValue(part, type.value, `${path}[${i}].value`),
  ]);
  if (entries.some(([key]) => key === null)) throw new ValueProblem("has a null key", path);
  if (new Set(entries.map(([key]) => canonicalJson(key))).size < entries.length) {
    throw new ValueProblem("has the same key twice", path);
  }
  return entries;
}

function pairsOf(value: PlainValue, path: string): readonly (readonly [PlainValue, PlainValue])[] {
  if (value instanceof Map) return [...(value as ReadonlyMap<PlainValue, PlainValue>)];
  if (!Array.isArray(value)) throw new ValueProblem(`needs a Map or an array of pairs, not ${kindOf(value)}`, path);
  return value.map((pair: PlainValue, i) => {
    const [key, item, ...more] = Array.isArray(pair) ? (pair as readonly PlainValue[]) : [];
    if (key !== undefined && item !== undefined && more.length === 0) return [key, item];
    throw new ValueProblem("needs a pair of key and value", `${path}[${i}]`);
  });
}
