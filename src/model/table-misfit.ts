import { JobError } from "./job-error.js";
import { describeFindings, type SchemaComparison, schemaDifference } from "./schema-difference.js";
import type { TableSchema } from "./table-schema.js";

/** Rows on their way into a table. */
export interface Fitting extends SchemaComparison {
  readonly createIfMissing: boolean;
  /** What a column of a table to be made may be called. */
  readonly names?: { readonly rule: string; readonly allows: (name: string) => boolean };
}

/**
 * The table as it is at this moment, in the words of every destination: since the pre-flight it may have changed.
 *
 * @throws JobError `destination_missing`, or `schema_mismatch` with `columns`.
 */
export function refuseMisfit(table: string, fitting: Fitting): void {
  const { produced, existing, createIfMissing, names } = fitting;
  if (existing === null && !createIfMissing) {
    throw new JobError("destination_missing", {
      message: `There is no table "${table}".`,
      hint: "Create it, or set createIfMissing on the job's destination.",
      table,
    });
  }
  const findings = schemaDifference(fitting);
  if (findings.length > 0) {
    const columns = findings.map(({ column }) => column);
    throw mismatch(table, columns, `The query's columns do not fit "${table}": ${describeFindings(findings)}.`);
  }
  const odd = existing === null && names ? oddNames(produced, names.allows) : [];
  if (odd.length > 0) throw mismatch(table, odd, `${names?.rule ?? ""}: ${odd.join(", ")}.`);
}

function oddNames({ columns }: TableSchema, allows: (name: string) => boolean): readonly string[] {
  return columns.map(({ name }) => name).filter((name) => !allows(name));
}

function mismatch(table: string, columns: readonly string[], message: string): JobError {
  const hint = "Rename, cast or leave out the named columns in the query, or change the table.";
  return new JobError("schema_mismatch", { message, hint, columns, table });
}
