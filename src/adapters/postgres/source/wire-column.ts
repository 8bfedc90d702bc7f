import type { DataType } from "../../../model/data-type.js";
import { quotedName } from "../quoted-name.js";

/** A column as the catalogue has it, domains resolved. Of an array, the last five are those of its items. */
export interface NativeColumn {
  readonly name: string;
  /** The type as the table declares it. */
  readonly declared: string;
  /** That type below its domains, as SQL text. */
  readonly base: string;
  readonly nullable: boolean;
  readonly isArray: boolean;
  readonly oid: number;
  /** Precision and scale and the like, as Postgres packs them; -1: none. */
  readonly modifier: number;
  /** Of an enum, in its order. */
  readonly labels: readonly string[] | null;
  /** Texts are equal only when their bytes are. */
  readonly isDeterministic: boolean;
}

/** What is asked of one column, and what comes. */
export interface WireColumn {
  readonly name: string;
  readonly type: DataType;
  readonly nullable: boolean;
  readonly nativeType: string;
  /** What the select list asks for, as SQL text, and what filters compare. */
  readonly expression: string;
  /** In which binary form it comes, or its items come. */
  readonly form: WireForm;
  readonly isDeterministic: boolean;
}

export type WireForm =
  | "bool"
  | "int2"
  | "int4"
  | "int8"
  | "float4"
  | "float8"
  | "numeric"
  | "text"
  | "bytea"
  | "jsonb"
  | "enum"
  | "bit"
  | "uuid"
  | "date"
  | "time"
  | "timetz"
  | "timestamp"
  | "interval";

export interface ReadOptions {
  /** What a numeric of no precision, or of more than 38 digits, arrives as. Default: text with all digits. */
  readonly unboundedNumeric?: { readonly precision: number; readonly scale: number };
}

/** How a column is read: in its own binary form where we know it, otherwise as what its cast to text gives. */
export function wireColumn(column: NativeColumn, options: ReadOptions): WireColumn {
  const { name, declared, nullable, isArray, isDeterministic } = column;
  const quoted = quotedName(name);
  const known = knownForm(column, options);
  const { type, form, cast = "" } = known ?? AS_TEXT;
  const suffix = cast === "" ? castOfDomain(column) : `::${cast}${isArray ? "[]" : ""}`;
  return {
    name,
    nullable,
    isDeterministic,
    nativeType: declared,
    form,
    type: isArray ? { kind: "list", item: type } : type,
    expression: `${quoted}${suffix}`,
  };
}

/** Postgres compares an enum with no constant while a domain hides which enum it is. */
function castOfDomain({ labels, isArray, declared, base }: NativeColumn): string {
  return labels === null || isArray || declared === base ? "" : `::${base}`;
}

interface Known {
  readonly type: DataType;
  readonly form: WireForm;
  readonly cast?: string;
}

const AS_TEXT: Known = { type: { kind: "text" }, form: "text", cast: "pg_catalog.text" };

function knownForm({ oid, modifier, labels }: NativeColumn, { unboundedNumeric }: ReadOptions): Known | undefined {
  if (labels !== null) return { type: { kind: "enum", values: labels }, form: "enum" };
  if (oid !== NUMERIC) return BUILT_IN[oid];
  const bounds = decimalBounds(modifier) ?? unboundedNumeric;
  return bounds && { type: { kind: "decimal", ...bounds }, form: "numeric" };
}

const NUMERIC = 1700;
const MODIFIER_HEADER = 4;

/** The digits that every value of a numeric has, or undefined where that is not known or more than the model has. */
function decimalBounds(modifier: number): { precision: number; scale: number } | undefined {
  if (modifier < MODIFIER_HEADER) return undefined;
  const packed = modifier - MODIFIER_HEADER;
  const digits = packed >> 16;
  // Eleven bits with a sign. Below zero the last digits before the point are zeros; above the precision, the first behind it.
  const scale = ((packed & 0x7ff) ^ 0x400) - 0x400;
  const bounds = { precision: Math.max(digits - Math.min(scale, 0), scale), scale: Math.max(scale, 0) };
  return bounds.precision <= 38 ? bounds : undefined;
}

/** By Postgres' own numbers of its types, which never change. */
const BUILT_IN: Readonly<Record<number, Known>> = {
  16: { type: { kind: "boolean" }, form: "bool" },
  17: { type: { kind: "bytes" }, form: "bytea" },
  20: { type: { kind: "integer", bits: 64, signed: true }, form: "int8" },
  21: { type: { kind: "integer", bits: 16, signed: true }, form: "int2" },
  23: { type: { kind: "integer", bits: 32, signed: true }, form: "int4" },
  25: { type: { kind: "text" }, form: "text" },
  26: { type: { kind: "integer", bits: 64, signed: true }, form: "int8", cast: "pg_catalog.int8" },
  114: { type: { kind: "json" }, form: "text" },
  700: { type: { kind: "float", bits: 32 }, form: "float4" },
  701: { type: { kind: "float", bits: 64 }, form: "float8" },
  1043: { type: { kind: "text" }, form: "text" },
  1082: { type: { kind: "date" }, form: "date" },
  1083: { type: { kind: "time", unit: "us", zoned: false }, form: "time" },
  1114: { type: { kind: "timestamp", unit: "us", zoned: false }, form: "timestamp" },
  1184: { type: { kind: "timestamp", unit: "us", zoned: true }, form: "timestamp" },
  1186: { type: { kind: "interval" }, form: "interval" },
  1266: { type: { kind: "time", unit: "us", zoned: true }, form: "timetz" },
  1560: { type: { kind: "bit" }, form: "bit" },
  1562: { type: { kind: "bit" }, form: "bit" },
  2950: { type: { kind: "uuid" }, form: "uuid" },
  3802: { type: { kind: "json" }, form: "jsonb" },
};
