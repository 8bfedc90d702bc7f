import { DataType as Arrow, type DataType as ArrowType, Field, Schema, tableFromIPC, Utf8 } from "apache-arrow";
import { JobError } from "../../model/job-error.js";
import { describeFindings, schemaDifference } from "../../model/schema-difference.js";
import type { Column, TableSchema } from "../../model/table-schema.js";
import type { CommitId } from "../../model/write-mode.js";
import { lanceStorage } from "./column-storage.js";
import { arrowTypeName, dataTypeOf, isWritten, lanceField } from "./lance-types.js";

/** Holds the commit's id in the first row of every append and upsert, and null elsewhere. Readers do not see it. */
export const COMMIT_COLUMN = "_commit";

/** The key of the schema metadata that lists the commits that made or overwrote the table, newest first, as JSON. */
const COMMITS_KEY = "millrace.commits";

/** So many that a commit is still listed after all that others could overwrite before it is asked for. */
const COMMITS_LISTED = 64;

/** From Lance's answer, an IPC file without batches. */
export function schemaOf(ipcFile: Buffer): Schema {
  return tableFromIPC(ipcFile).schema;
}

/** Whether the table has the column that proves appends. */
export function hasCommitColumn(schema: Schema): boolean {
  return schema.fields.some(isCommitColumn);
}

/** What readers and writers see of a table. */
export function visibleColumns(schema: Schema): TableSchema {
  return { columns: schema.fields.filter((field) => !isCommitColumn(field)).map(columnOf) };
}

export function isCommitColumn(field: Field): boolean {
  return field.name === COMMIT_COLUMN && field.nullable && Arrow.isUtf8(field.type as ArrowType);
}

/** The native type is told only of columns that cannot be written. */
function columnOf(field: Field): Column {
  const { name, nullable } = field;
  const foreign = !isWritten(field) && { nativeType: arrowTypeName(field.type as ArrowType) };
  return { name, type: dataTypeOf(field), nullable, ...foreign };
}

/**
 * The schema of a table that is made for these columns. The keys of an upsert become its primary key, so that Lance itself
 * lets no two writers insert the same key, also those who do not know of our lock.
 *
 * @throws JobError `schema_mismatch`
 */
export function newSchema(produced: TableSchema, keys: readonly string[], table: string): Schema {
  refuse(produced, null, table);
  const named = produced.columns.filter(({ name }) => !canBeColumn(name)).map(({ name }) => name);
  if (named.length > 0) {
    throw mismatch(table, named, `Lance or Millrace keeps no column named ${named.map(quoted).join(", ")}`);
  }
  const fields = produced.columns.map(({ name, type }) => {
    const field = lanceField(name, type);
    const position = keys.indexOf(name) + 1;
    return position === 0 ? field : primaryKey(field, position);
  });
  return new Schema([...fields, new Field(COMMIT_COLUMN, new Utf8(), true)]);
}

/** @throws JobError `schema_mismatch` when rows of these columns cannot be stored in the table without loss. */
export function refuse(produced: TableSchema, existing: Schema | null, table: string): void {
  const shape = existing && visibleColumns(existing);
  const findings = schemaDifference({ produced, existing: shape, storage: lanceStorage });
  if (findings.length > 0) {
    throw mismatch(
      table,
      findings.map(({ column }) => column),
      describeFindings(findings),
    );
  }
}

/** The same schema, with this commit listed first. */
export function withCommit(schema: Schema, commitId: CommitId): Schema {
  const listed = [commitId, ...listedCommits(schema)].slice(0, COMMITS_LISTED);
  return new Schema(schema.fields, new Map([...schema.metadata, [COMMITS_KEY, JSON.stringify(listed)]]));
}

export function listedCommits(schema: Schema): readonly string[] {
  try {
    const listed: unknown = JSON.parse(schema.metadata.get(COMMITS_KEY) ?? "[]");
    return Array.isArray(listed) ? listed.filter((id) => typeof id === "string") : [];
  } catch {
    return [];
  }
}

/** Two tables of one shape take the same bytes. */
export function sameShape(left: Schema, right: Schema): boolean {
  return shapeText(left) === shapeText(right);
}

function shapeText({ fields }: Schema): string {
  return JSON.stringify(fields.map(({ name, type, nullable }) => [name, arrowTypeName(type as ArrowType), nullable]));
}

// https://lance.org/format/table/schema: only a column without nulls may be a key.
function primaryKey({ name, type, metadata }: Field, position: number): Field {
  const key = "lance-schema:unenforced-primary-key";
  const marks = new Map([...metadata, [key, "true"], [`${key}:position`, String(position)]]);
  return new Field(name, type as ArrowType, false, marks);
}

/** Lance takes a dot for a path into a struct and `*` for all columns, and cannot select a name with a backtick or none. */
function canBeColumn(name: string): boolean {
  return !["", "*"].includes(name) && !/[.`]/.test(name) && !RESERVED.has(name);
}

const RESERVED = new Set([
  COMMIT_COLUMN,
  "_rowid",
  "_rowaddr",
  "_rowoffset",
  "_row_created_at_version",
  "_row_last_updated_at_version",
]);

function mismatch(table: string, columns: readonly string[], reason: string): JobError {
  return new JobError("schema_mismatch", {
    message: `The query's columns do not fit the Lance table "${table}": ${reason}.`,
    hint: "Change the query so that it yields what the table holds; cast where types differ.",
    table,
    columns,
  });
}

function quoted(name: string): string {
  return `"${name}"`;
}
