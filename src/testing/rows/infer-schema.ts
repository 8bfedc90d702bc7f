import { type DataType, formatDataType, sameDataType } from "../../model/data-type.js";
import { JobError } from "../../model/job-error.js";
import type { TableSchema } from "../../model/table-schema.js";
import type { SampleValue } from "./column-buffers.js";

export type FixtureValue = undefined | null | boolean | number | bigint | string | Uint8Array | Date;

export type FixtureRow = Readonly<Record<string, FixtureValue>>;

/**
 * The columns that plain rows show, in the order in which their names first come: whole numbers and bigints are BIGINT,
 * other numbers DOUBLE (and then all of the column's), strings VARCHAR, Dates TIMESTAMP WITH TIME ZONE, Uint8Arrays BLOB.
 *
 * @throws JobError `invalid_definition` for a column of several kinds, or of nothing but nulls.
 */
export function inferSchema(table: string, rows: readonly FixtureRow[]): TableSchema {
  const names = new Set(rows.flatMap((row) => Object.keys(row)));
  return { columns: [...names].map((name) => ({ name, type: columnType(table, name, rows), nullable: true })) };
}

/** The value as it goes into a batch. */
export function sampleValue(value: FixtureValue): SampleValue {
  if (value instanceof Date) return BigInt(value.getTime()) * 1_000n;
  return value ?? null;
}

function columnType(table: string, name: string, rows: readonly FixtureRow[]): DataType {
  let type: DataType | undefined;
  for (const row of rows) {
    const next = valueType(row[name]);
    if (next === undefined || (type && sameDataType(type, next))) continue;
    if (type && !(isNumber(type) && isNumber(next))) {
      throw unclear(table, name, `holds both ${formatDataType(type)} and ${formatDataType(next)}`);
    }
    type = type ? DOUBLE : next;
  }
  return type ?? unclearType(table, name);
}

const BIGINT: DataType = { kind: "integer", bits: 64, signed: true };
const DOUBLE: DataType = { kind: "float", bits: 64 };

function valueType(value: FixtureValue): DataType | undefined {
  if (value === null || value === undefined) return undefined;
  if (value instanceof Date) return { kind: "timestamp", unit: "us", zoned: true };
  if (value instanceof Uint8Array) return { kind: "bytes" };
  switch (typeof value) {
    case "boolean":
      return { kind: "boolean" };
    case "string":
      return { kind: "text" };
    case "bigint":
      return BIGINT;
    default:
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? BIGINT : DOUBLE;
  }
}

function isNumber({ kind }: DataType): boolean {
  return kind === "integer" || kind === "float";
}

function unclearType(table: string, name: string): never {
  throw unclear(table, name, "holds nothing but nulls");
}

function unclear(table: string, column: string, why: string): JobError {
  return new JobError("invalid_definition", {
    message: `Column "${column}" of the fixture table "${table}" ${why}.`,
    hint: "Give the table as { schema, rows }.",
    table,
    columns: [column],
  });
}
