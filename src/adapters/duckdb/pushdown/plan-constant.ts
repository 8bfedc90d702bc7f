import { type DataType, formatDataType } from "../../../model/data-type.js";
import type { ParameterValue } from "../../../model/job-definition.js";
import type { FilterValue } from "../../../model/row-filter.js";
import { dateText, decimalText, timestampText, timeText } from "../../../model/value-text.js";
import { isPlanNode, type PlanNode } from "./plan-tree.js";

/**
 * A constant of a plan, which must be of this type, in the form of docs/parameters.md. Undefined for nulls, for types of
 * which DuckDB's form is not read here, and for values that have no such form, as infinite dates.
 */
export function filterValue(type: DataType, constant: PlanNode): FilterValue | undefined {
  if (constant["is_null"] !== false || !isOfType(type, constant["type"])) return undefined;
  const value = exactValue(type, constant["value"]);
  return value === undefined ? undefined : { type, value };
}

/** Whether a type of a plan is this one. */
export function isOfType(type: DataType, planned: unknown): boolean {
  if (!isPlanNode(planned)) return false;
  const info: PlanNode = isPlanNode(planned["type_info"]) ? planned["type_info"] : {};
  const { id } = planned;
  switch (type.kind) {
    case "decimal":
      return (
        id === "DECIMAL" && info["width"] === String(type.precision) && (info["scale"] ?? "0") === String(type.scale)
      );
    case "enum":
      return id === "ENUM" && JSON.stringify(info["values"]) === JSON.stringify(type.values);
    case "boolean":
    case "integer":
    case "float":
    case "text":
    case "bytes":
    case "uuid":
    case "date":
    case "time":
    case "timestamp":
      // An alias makes another type of it: JSON is a VARCHAR with one.
      return id === formatDataType(type) && info["alias"] === undefined;
    default:
      return false;
  }
}

function exactValue(type: DataType, value: unknown): ParameterValue | undefined {
  switch (type.kind) {
    case "boolean":
      return typeof value === "boolean" ? value : undefined;
    case "integer": {
      const integer = integerOf(value);
      if (integer === undefined) return undefined;
      const number = Number(integer);
      return Number.isSafeInteger(number) ? number : String(integer);
    }
    case "float":
      return typeof value === "string" ? floatOf(Number(value)) : undefined;
    case "decimal": {
      const unscaled = integerOf(value);
      return unscaled === undefined ? undefined : decimalText(unscaled, type.scale);
    }
    case "text":
      return typeof value === "string" ? value : undefined;
    case "enum":
      return typeof value === "string" ? type.values[Number(value)] : undefined;
    case "bytes":
      return typeof value === "string" ? base64Of(value) : undefined;
    case "uuid":
      return uuidOf(integerOf(value));
    case "date":
      return typeof value === "string" ? inYears(dateText(Number(value))) : undefined;
    case "time": {
      const ticks = integerOf(value);
      return ticks === undefined || type.zoned ? undefined : timeText(ticks, type.unit);
    }
    case "timestamp": {
      const ticks = integerOf(value);
      if (ticks === undefined) return undefined;
      const text = inYears(timestampText(ticks, type.unit, false))?.replace(" ", "T");
      return text === undefined || !type.zoned ? text : `${text}Z`;
    }
    default:
      return undefined;
  }
}

/** Integers of 128 bits are written in two halves. */
function integerOf(value: unknown): bigint | undefined {
  if (typeof value === "string") return /^-?\d+$/.test(value) ? BigInt(value) : undefined;
  if (!isPlanNode(value)) return undefined;
  const [upper, lower] = [integerOf(value["upper"]), integerOf(value["lower"])];
  return upper === undefined || lower === undefined ? undefined : (upper << 64n) + lower;
}

function floatOf(number: number): ParameterValue {
  if (Object.is(number, -0)) return "-0";
  return Number.isFinite(number) ? number : String(number);
}

/** DuckDB keeps a UUID as an integer whose top bit is turned, so that both have one order. */
function uuidOf(integer: bigint | undefined): string | undefined {
  if (integer === undefined) return undefined;
  const digits = (BigInt.asUintN(128, integer) ^ (1n << 127n)).toString(16).padStart(32, "0");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** From a blob as DuckDB prints it: plain ASCII, and two digits behind `\x` for every other byte. */
function base64Of(printed: string): string | undefined {
  if (!/^(?:\\x[0-9A-F]{2}|[\x20-\x5B\x5D-\x7E])*$/.test(printed)) return undefined;
  const bytes = printed.replace(/\\x([0-9A-F]{2})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)));
  return Buffer.from(bytes, "latin1").toString("base64");
}

/** Parameters know the years 0001 to 9999 only. */
function inYears(text: string): string | undefined {
  return /^\d{4}-\d{2}-\d{2}(?: [\d:.]+)?$/.test(text) ? text : undefined;
}
