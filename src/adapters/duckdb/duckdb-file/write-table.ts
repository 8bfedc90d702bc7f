import { stat } from "node:fs/promises";
import { JobError } from "../../../model/job-error.js";
import { describeFindings, schemaDifference } from "../../../model/schema-difference.js";
import type { CommitReceipt, WriteMode } from "../../../model/write-mode.js";
import type { EngineWriter } from "../../../ports/engine-target.js";
import type { WriteRequest } from "../../../ports/job-destination.js";
import type { RowStream } from "../../../ports/row-stream.js";
import { BEGIN } from "../engine-connection.js";
import { quoteIdentifier } from "../quote.js";
import { columnList } from "../working-tables.js";
import { writeWithEngine } from "../writing/write-with-engine.js";
import { duckDBStorage } from "./column-storage.js";
import { claimCommit, completeCommit, findCommit, makeCommitTable } from "./commit-log.js";
import { changeJobState, makeStateTable } from "./job-state.js";
import type { SharedFile } from "./shared-file.js";
import type { TableName } from "./table-name.js";
import { fingerprintQuery, type TableShape } from "./table-shape.js";
import { insertStaged, stageRows } from "./staged-rows.js";
import { type Insertion, refuseMissingKeys, upsertRows } from "./upsert-rows.js";

/** Writes rows into one table of a file, in one transaction. */
export async function writeTable(
  file: SharedFile,
  table: TableName,
  rows: RowStream,
  request: WriteRequest,
): Promise<CommitReceipt> {
  const done = await file.writeTurn(table, request.signal);
  try {
    const shape = await file.shape(table, request.signal);
    refuseMisfit(table, shape, request);
    return await writeWithEngine(rows, request, file.instance, {
      attach: { path: file.path },
      write: (writer, permit) => writeInTransaction(writer, permit, { file, table, shape, request }),
    });
  } finally {
    done();
  }
}

interface TableWrite {
  readonly file: SharedFile;
  readonly table: TableName;
  /** What the table was before the file was attached for this write. */
  readonly shape: TableShape;
  readonly request: WriteRequest;
}

async function writeInTransaction(
  writer: EngineWriter,
  permit: WriteRequest["permit"],
  { file, table, shape, request }: TableWrite,
): Promise<CommitReceipt> {
  const { catalog } = writer;
  const { commitId, mode, schema, state } = request;
  const run = (sql: string) => writer.read(sql);
  const identity = await identityOf(file.path);
  const own = [makeCommitTable(catalog), ...(state === undefined ? [] : [makeStateTable(catalog)])];
  await file.prepared(() => run(own.join(";")));

  await run(BEGIN);
  await claimCommit(run, catalog, commitId, table.text);
  const fingerprint = JSON.stringify(await run(fingerprintQuery(catalog, table)));
  if (fingerprint !== shape.fingerprint) throw changedMeanwhile(table);
  const path = `${catalog}.${table.sql}`;
  if (shape.schema() === null) {
    await run(`create schema if not exists ${catalog}.${table.schema}; create table ${path} (${columnList(schema)})`);
  }
  const names = schema.columns.map(({ name }) => quoteIdentifier(name)).join(", ");
  const insert = `insert into ${path} (${names})`;
  const { rowsStaged, rowsWritten } = await writeRows(writer, { table, path, insert, mode });
  const change = state?.();
  if (change !== undefined) await changeJobState(run, catalog, table, change, commitId);
  // Also the proof that nothing before it failed unseen: a transaction that is aborted refuses it.
  await completeCommit(run, catalog, commitId, rowsWritten);

  await refuseOtherFile(file.path, identity);
  const granted = await permit({ rowsStaged });
  await run("commit");
  // DuckDB also "commits" a transaction that is aborted, and a file that nobody will find again.
  const landed = await findCommit(run, catalog, commitId);
  await refuseOtherFile(file.path, identity);
  if (landed?.state !== "committed") throw notCommitted(table);
  return granted.committed({ rowsWritten });
}

async function writeRows(
  writer: EngineWriter,
  { table, path, insert, mode }: Insertion & { readonly mode: WriteMode },
): Promise<{ readonly rowsStaged: number; readonly rowsWritten: number }> {
  if (mode.kind === "upsert") return upsertRows(writer, { table, path, insert, mode });
  if (mode.kind === "overwrite" && writer.readsTarget) {
    // The query may read the very rows that it replaces.
    const rowsStaged = await stageRows(writer);
    await writer.execute(`delete from ${path}`);
    return { rowsStaged, rowsWritten: await insertStaged(writer, insert) };
  }
  if (mode.kind === "overwrite") await writer.execute(`delete from ${path}`);
  const { rows } = await writer.writeRows(insert, "");
  return { rowsStaged: rows, rowsWritten: rows };
}

function refuseMisfit(table: TableName, shape: TableShape, { schema, createIfMissing, mode }: WriteRequest): void {
  const existing = shape.schema();
  if (existing === null && !createIfMissing) {
    throw new JobError("destination_missing", {
      message: `There is no table "${table.text}".`,
      hint: "Create it, or set createIfMissing on the job's destination.",
      table: table.text,
    });
  }
  const findings = schemaDifference({ produced: schema, existing, storage: duckDBStorage });
  if (findings.length > 0) {
    throw new JobError("schema_mismatch", {
      message: `The query's columns do not fit "${table.text}": ${describeFindings(findings)}.`,
      hint: "Rename, cast or leave out the named columns in the query, or change the table.",
      columns: findings.map(({ column }) => column),
      table: table.text,
    });
  }
  if (mode.kind === "upsert") refuseMissingKeys(table, schema, mode);
}

/** Another file under the same name has another identity; undefined when there is none. */
async function identityOf(path: string): Promise<string | undefined> {
  return stat(path).then(
    ({ dev, ino }) => `${dev} ${ino}`,
    () => undefined,
  );
}

async function refuseOtherFile(path: string, identity: string | undefined): Promise<void> {
  if (identity !== undefined && (await identityOf(path)) === identity) return;
  throw new JobError("destination_failed", {
    message: `The file "${path}" was deleted or replaced while it was written.`,
    hint: "Leave the file where it is while a job writes it.",
    retryable: true,
  });
}

function changedMeanwhile({ text }: TableName): JobError<"destination_failed"> {
  return new JobError("destination_failed", {
    message: `The table "${text}" was changed just before it was written.`,
    hint: "Nothing was committed. Run the job again.",
    retryable: true,
    table: text,
  });
}

function notCommitted({ text }: TableName): JobError<"destination_failed"> {
  return new JobError("destination_failed", {
    message: `DuckDB did not keep what was written to "${text}", although it reported no failure.`,
    hint: "Nothing was committed. Report this as a defect of the DuckDB adapter.",
    table: text,
  });
}
