import { stat } from "node:fs/promises";
import { JobError } from "../../../model/job-error.js";
import { refuseMisfit } from "../../../model/table-misfit.js";
import type { TableSchema } from "../../../model/table-schema.js";
import { type CommitReceipt, isKeyed, type WriteMode } from "../../../model/write-mode.js";
import { refuseMissingKeys } from "../../../model/write-refusals.js";
import type { EngineWriter } from "../../../ports/engine-target.js";
import type { WriteRequest } from "../../../ports/job-destination.js";
import type { RowStream } from "../../../ports/row-stream.js";
import { BEGIN } from "../engine-connection.js";
import { quoteIdentifier } from "../quote.js";
import { writeWithEngine } from "../writing/write-with-engine.js";
import { duckDBStorage } from "./column-storage.js";
import { claimCommit, completeCommit, findCommit, makeCommitTable } from "./commit-log.js";
import { changeJobState, makeStateTable } from "./job-state.js";
import type { SharedFile } from "./shared-file.js";
import type { TableName } from "./table-name.js";
import { writeKeyedRows } from "./keyed-rows.js";
import { type Insertion, insertStaged, stageRows } from "./staged-rows.js";
import { tableDefinition } from "./table-definition.js";

/** Writes rows into one table of a file, in one transaction. */
export async function writeTable(
  file: SharedFile,
  table: TableName,
  rows: RowStream,
  request: WriteRequest,
): Promise<CommitReceipt> {
  const { signal } = request;
  const turns = [await file.writeTurn(table.key, signal)];
  try {
    // No file is made for what would then be refused.
    if (!file.isThere) refuseUnfit(table, await file.schema(table, signal), request);
    return await writeWithEngine(rows, request, file.instance, {
      attach: { path: file.path },
      write: async (writer, permit) => {
        // The file is attached and the turn at the table is ours: nobody makes or changes it between this look and the end.
        const existing = await file.schema(table, signal);
        refuseUnfit(table, existing, request);
        if (existing === null && table.schemaKey !== undefined) {
          turns.push(await file.writeTurn(table.schemaKey, signal));
        }
        return writeInTransaction(writer, permit, { file, table, isNew: existing === null, request });
      },
    });
  } finally {
    for (const done of turns) done();
  }
}

interface TableWrite {
  readonly file: SharedFile;
  readonly table: TableName;
  /** The table is not there yet. */
  readonly isNew: boolean;
  readonly request: WriteRequest;
}

async function writeInTransaction(
  writer: EngineWriter,
  permit: WriteRequest["permit"],
  { file, table, isNew, request }: TableWrite,
): Promise<CommitReceipt> {
  const { catalog } = writer;
  const { commitId, mode, schema, state } = request;
  const run = (sql: string) => writer.read(sql);
  const identity = await identityOf(file.path);
  const own = [makeCommitTable(catalog), ...(state === undefined ? [] : [makeStateTable(catalog)])];
  await file.prepared(() => run(own.join(";")));

  await run(BEGIN);
  await claimCommit(run, catalog, commitId, table.text);
  const path = `${catalog}.${table.sql}`;
  if (isNew) await run(tableDefinition(table, schema, `${catalog}.`));
  const columns = schema.columns.map(({ name }) => quoteIdentifier(name)).join(", ");
  const { rowsStaged, rowsWritten } = await writeRows(writer, { table, path, columns, mode });
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
  insertion: Insertion & { readonly mode: WriteMode },
): Promise<{ readonly rowsStaged: number; readonly rowsWritten: number }> {
  const { path, columns, mode } = insertion;
  if (isKeyed(mode)) return writeKeyedRows(writer, insertion, mode);
  if (mode.kind === "overwrite" && writer.readsTarget) {
    // The query may read the very rows that it replaces.
    const rowsStaged = await stageRows(writer, insertion);
    await writer.execute(`delete from ${path}`);
    return { rowsStaged, rowsWritten: await insertStaged(writer, insertion) };
  }
  if (mode.kind === "overwrite") await writer.execute(`delete from ${path}`);
  const { rows } = await writer.writeRows(`insert into ${path} (${columns})`, "");
  return { rowsStaged: rows, rowsWritten: rows };
}

function refuseUnfit({ text }: TableName, existing: TableSchema | null, request: WriteRequest): void {
  const { schema, createIfMissing, mode } = request;
  refuseMisfit(text, { produced: schema, existing, storage: duckDBStorage, createIfMissing });
  refuseMissingKeys(text, mode, schema);
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

function notCommitted({ text }: TableName): JobError<"destination_failed"> {
  return new JobError("destination_failed", {
    message: `DuckDB did not keep what was written to "${text}", although it reported no failure.`,
    hint: "Nothing was committed. Report this as a defect of the DuckDB adapter.",
    table: text,
  });
}
