import type { DataType, TimestampUnit } from "../../model/data-type.js";

/** A type as `format_type` spells it: `numeric(18,2)`, `timestamp(3) with time zone`, `integer[]`. */
export interface NativeType {
  /** Without modifiers: `timestamp with time zone`. */
  readonly name: string;
  readonly modifiers: readonly number[];
  readonly isArray: boolean;
}

export function parseNativeType(text: string): NativeType {
  const [, name = text, modifiers, zone = "", array] =
    /^(.*?)(?:\((-?\d+(?:,-?\d+)*)\))?( with(?:out)? time zone)?(\[\])?$/.exec(text) ?? [];
  return { name: name + zone, modifiers: modifiers?.split(",").map(Number) ?? [], isArray: array !== undefined };
}

/** Postgres' own number of a type, where arrays of it can be written. */
export function oidOf({ name }: Pick<NativeType, "name">): number | undefined {
  return OIDS[name];
}

const OIDS: Readonly<Record<string, number>> = {
  boolean: 16,
  bytea: 17,
  bigint: 20,
  smallint: 21,
  integer: 23,
  text: 25,
  json: 114,
  real: 700,
  "double precision": 701,
  "character varying": 1043,
  date: 1082,
  "time without time zone": 1083,
  "timestamp without time zone": 1114,
  "timestamp with time zone": 1184,
  interval: 1186,
  "time with time zone": 1266,
  bit: 1560,
  "bit varying": 1562,
  numeric: 1700,
  uuid: 2950,
  jsonb: 3802,
};

/** In the model's words, what a column of a built-in type holds; what has no word there is opaque. */
export function dataTypeOfNative(text: string): DataType {
  const native = parseNativeType(text);
  if (oidOf(native) === undefined) return { kind: "opaque", name: text };
  const item = scalarType(native) ?? { kind: "opaque", name: text };
  return native.isArray && item.kind !== "opaque" ? { kind: "list", item } : item;
}

function scalarType({ name, modifiers }: NativeType): DataType | undefined {
  const [first, second = 0] = modifiers;
  switch (name) {
    case "numeric":
      // Unbounded, or with more digits than the model has.
      if (first === undefined || first > 38 || second < 0 || second > first) return undefined;
      return { kind: "decimal", precision: first, scale: second };
    case "timestamp without time zone":
    case "timestamp with time zone":
      return { kind: "timestamp", unit: unitOf(first ?? 6), zoned: name === "timestamp with time zone" };
    case "time without time zone":
    case "time with time zone":
      // With fewer digits it rounds.
      return (first ?? 6) < 6 ? undefined : { kind: "time", unit: "us", zoned: name === "time with time zone" };
    case "interval":
      return first === undefined ? { kind: "interval" } : undefined;
    default:
      return PLAIN[name];
  }
}

/** The finest unit of which a timestamp with so many digits keeps every value: it rounds the others. */
function unitOf(digits: number): TimestampUnit {
  return digits >= 6 ? "us" : digits >= 3 ? "ms" : "s";
}

const PLAIN: Readonly<Record<string, DataType>> = {
  boolean: { kind: "boolean" },
  bytea: { kind: "bytes" },
  smallint: { kind: "integer", bits: 16, signed: true },
  integer: { kind: "integer", bits: 32, signed: true },
  bigint: { kind: "integer", bits: 64, signed: true },
  real: { kind: "float", bits: 32 },
  "double precision": { kind: "float", bits: 64 },
  text: { kind: "text" },
  "character varying": { kind: "text" },
  json: { kind: "json" },
  jsonb: { kind: "json" },
  bit: { kind: "bit" },
  "bit varying": { kind: "bit" },
  date: { kind: "date" },
  uuid: { kind: "uuid" },
};
