import { types } from "node:util";
import { ValueProblem } from "./value-problem.js";

/** A value made of nothing but data: a copy, so that no later change and no getter of the caller's is met. */
export type PlainValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Date
  | Uint8Array
  | readonly PlainValue[]
  | ReadonlyMap<PlainValue, PlainValue>
  | PlainObject;

export interface PlainObject {
  readonly [key: string]: PlainValue;
}

/**
 * A copy of `value`, without running any code of the caller's.
 *
 * @throws ValueProblem for what is not plain data; `docs/parameters.md` lists it.
 */
export function plainValue(value: unknown): PlainValue {
  return copy(value, "", new Set());
}

/**
 * The own properties of a plain object.
 *
 * @throws ValueProblem for anything else, and for getters and symbols.
 */
export function plainProperties(value: unknown, path = ""): ReadonlyMap<string, unknown> {
  if (typeof value !== "object" || value === null || types.isProxy(value) || !isPlainObject(value)) {
    throw new ValueProblem(`needs a plain object, not ${kindOf(value)}`, path);
  }
  return new Map(
    Reflect.ownKeys(value).map((key) => {
      if (typeof key === "symbol") throw new ValueProblem("has a property that is named by a symbol", path);
      return [key, ownData(value, key, `${path}.${key}`)] as const;
    }),
  );
}

/** Whether a value is an object made by `{}` or `Object.create(null)`, in whichever realm. */
function isPlainObject(value: object): boolean {
  if (Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/**
 * The parts of a copied object.
 *
 * @throws ValueProblem for any other value.
 */
export function partsOf(value: PlainValue, path: string): ReadonlyMap<string, PlainValue> {
  if (isObject(value)) return new Map(Object.entries(value));
  throw new ValueProblem(`needs a plain object, not ${kindOf(value)}`, path);
}

function isObject(value: PlainValue): value is PlainObject {
  return typeof value === "object" && value !== null && isPlainObject(value);
}

/** What a value is, for messages: its kind, never its content. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== "object") return typeof value === "undefined" ? "undefined" : `a ${typeof value}`;
  if (types.isProxy(value)) return "a proxy";
  if (Array.isArray(value)) return "an array";
  if (types.isDate(value)) return "a Date";
  if (types.isUint8Array(value)) return "a Uint8Array";
  if (types.isMap(value)) return "a Map";
  return isPlainObject(value) ? "an object" : "an instance of a class";
}

const DEEPEST = 100;

function copy(value: unknown, path: string, within: Set<object>): PlainValue {
  switch (typeof value) {
    case "boolean":
    case "number":
    case "bigint":
    case "string":
      return value;
    case "object":
      return value === null ? null : copyObject(value, path, within);
    default:
      throw new ValueProblem(`is ${kindOf(value)}, which no parameter takes`, path);
  }
}

function copyObject(value: object, path: string, within: Set<object>): PlainValue {
  if (types.isProxy(value)) throw new ValueProblem("is a proxy, which no parameter takes", path);
  if (types.isDate(value)) return copyDate(value, path);
  if (types.isUint8Array(value)) return new Uint8Array(value);
  if (within.has(value)) throw new ValueProblem("contains itself", path);
  if (within.size === DEEPEST) throw new ValueProblem(`is nested deeper than ${DEEPEST}`, path);
  within.add(value);
  const result = copyContainer(value, path, within);
  within.delete(value);
  return result;
}

function copyContainer(value: object, path: string, within: Set<object>): PlainValue {
  if (Array.isArray(value)) {
    return Array.from({ length: value.length }, (_, i) => {
      const itemPath = `${path}[${i}]`;
      return copy(ownData(value, i, itemPath), itemPath, within);
    });
  }
  if (types.isMap(value)) {
    const entries: [PlainValue, PlainValue][] = [];
    Map.prototype.forEach.call(value, (item: unknown, key: unknown) => {
      entries.push([copy(key, `${path}[key]`, within), copy(item, `${path}[value]`, within)]);
    });
    return new Map(entries);
  }
  if (!isPlainObject(value)) throw new ValueProblem("is an instance of a class, which no parameter takes", path);
  const properties = plainProperties(value, path);
  return Object.fromEntries([...properties].map(([key, part]) => [key, copy(part, `${path}.${key}`, within)]));
}

function copyDate(value: Date, path: string): Date {
  const time = Date.prototype.getTime.call(value);
  if (Number.isNaN(time)) throw new ValueProblem("is an invalid Date", path);
  return new Date(time);
}

function ownData(value: object, key: string | number, path: string): unknown {
  const property = Object.getOwnPropertyDescriptor(value, key);
  if (property !== undefined && !("value" in property)) {
    throw new ValueProblem("is a getter, where data is needed", path);
  }
  return property?.value;
}
