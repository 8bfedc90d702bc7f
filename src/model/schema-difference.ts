import { type DataType, formatDataType } from "./data-type.js";
import { losslessStorage, type StorageAnswer } from "./lossless-storage.js";
import type { Column, TableSchema } from "./table-schema.js";

/** One reason why a query's rows cannot be stored in a table. */
export type SchemaFinding =
  /** The query yields a column that the table lacks. `similar`: the table's column that differs in case only. */
  | { readonly kind: "extra_column"; readonly column: string; readonly similar?: string }
  | { readonly kind: "generated_column"; readonly column: string }
  | { readonly kind: "not_storable"; readonly column: string; readonly type: string; readonly reason: string }
  /** A row of the table must have the column, and the query does not yield it. */
  | { readonly kind: "missing_column"; readonly column: string }
  /** The write mode's key, and the query does not yield it. `similar`: the query's column that differs in case only. */
  | { readonly kind: "missing_key"; readonly column: string; readonly similar?: string };

/** What {@link schemaDifference} compares. */
export interface SchemaComparison {
  /** What the query yields. */
  readonly produced: TableSchema;
  /** What the table holds; null when the write will make it, and only types are looked at. */
  readonly existing: TableSchema | null;
  /** The columns by which the write mode finds the rows that it replaces. Default: none. */
  readonly keys?: readonly string[];
  /** The destination's own rule. Default: {@link losslessStorage}; a table to be made takes every type. */
  readonly storage?: ((type: DataType, column: Column | null) => StorageAnswer) | undefined;
}

/**
 * Everything that keeps the rows from being stored, in the order of the query's columns and then of the table's; empty
 * when they fit.
 *
 * Columns are matched by name and exactly, in every system: a name that differs in case only is another name, and the
 * finding says so. Order does not matter. Whether nulls are allowed in matching columns is left to the destination,
 * since a query's columns are always nullable.
 */
export function schemaDifference({
  produced,
  existing,
  keys = [],
  storage,
}: SchemaComparison): readonly SchemaFinding[] {
  const answer = storage ?? ((type, column) => (column ? losslessStorage(type, column.type) : { stored: true }));
  const findings: SchemaFinding[] = [];
  for (const { name, type } of produced.columns) {
    const target = existing?.columns.find((column) => column.name === name) ?? null;
    if (existing && !target) {
      findings.push({ kind: "extra_column", column: name, ...similarTo(name, existing) });
    } else if (target?.generated === true) {
      findings.push({ kind: "generated_column", column: name });
    } else {
      const stored = answer(type, target);
      if (!stored.stored) {
        findings.push({ kind: "not_storable", column: name, type: formatDataType(type), reason: stored.reason });
      }
    }
  }
  const given = new Set(produced.columns.map(({ name }) => name));
  for (const column of existing?.columns ?? []) {
    if (isRequired(column) && !given.has(column.name)) findings.push({ kind: "missing_column", column: column.name });
  }
  for (const key of keys) {
    if (!given.has(key)) findings.push({ kind: "missing_key", column: key, ...similarTo(key, produced) });
  }
  return findings;
}

function similarTo(name: string, { columns }: TableSchema): { readonly similar?: string } {
  const similar = columns.find((column) => column.name.toLowerCase() === name.toLowerCase())?.name;
  return similar === undefined ? {} : { similar };
}

/** All findings as one clause, for the message of a `schema_mismatch`. */
export function describeFindings(findings: readonly SchemaFinding[]): string {
  return findings.map(describe).join("; ");
}

function isRequired(column: Column): boolean {
  return !column.nullable && column.hasDefault !== true && column.generated !== true;
}

function describe(finding: SchemaFinding): string {
  const column = `"${finding.column}"`;
  switch (finding.kind) {
    case "extra_column":
      return finding.similar === undefined
        ? `the table has no column ${column}`
        : `the table has no column ${column}, but "${finding.similar}", which differs in case: write ${column} as "${finding.similar}"`;
    case "generated_column":
      return `column ${column} is computed by the system and cannot be written`;
    case "not_storable":
      return `column ${column} of type ${finding.type} cannot be stored without loss: ${finding.reason}`;
    case "missing_column":
      return `the table's column ${column} must have a value, and the query does not yield it`;
    case "missing_key":
      return finding.similar === undefined
        ? `the query yields no column ${column}, which is a key of the write mode`
        : `the query yields no column ${column}, which is a key of the write mode, but "${finding.similar}", which differs in case`;
  }
}
