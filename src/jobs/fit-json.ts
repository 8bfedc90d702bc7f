import type { JsonValue } from "../model/json.js";
import { partsOf, type PlainValue } from "./plain-value.js";
import { assertWhole } from "./whole-text.js";
import { ValueProblem } from "./value-problem.js";

/** A string is taken as JSON text, as the engine takes it, and keeps its spelling: no digit of a long number is lost. */
export function fitJson(value: PlainValue, path: string): string {
  if (typeof value !== "string") return JSON.stringify(jsonOf(value, path));
  try {
    JSON.parse(value);
  } catch {
    // Not as a cause: the parser's message quotes the text.
    throw new ValueProblem("is no JSON text (in JSON, a string has its own double quotes)", path);
  }
  assertWhole(value.replace(ESCAPE, readEscape), path);
  return value;
}

function jsonOf(value: PlainValue, path: string): JsonValue {
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "string") return assertWhole(value, path);
  if (typeof value === "number") {
    if (Number.isFinite(value)) return value;
    throw new ValueProblem("is a number that JSON has no word for", path);
  }
  if (Array.isArray(value)) return value.map((item: PlainValue, i) => jsonOf(item, `${path}[${i}]`));
  if (typeof value === "bigint") throw new ValueProblem("is a bigint: give JSON text", path);
  return Object.fromEntries(
    [...partsOf(value, path)].map(([key, part]) => [assertWhole(key, path), jsonOf(part, `${path}.${key}`)]),
  );
}

// Half a surrogate pair may hide behind an escape; the engine would refuse it only when the query runs.
const ESCAPE = /\\(?:u([0-9a-fA-F]{4})|.)/g;

function readEscape(_match: string, code: string | undefined): string {
  return code === undefined ? " " : String.fromCharCode(Number.parseInt(code, 16));
}
