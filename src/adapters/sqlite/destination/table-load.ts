import type { Database } from "better-sqlite3";
import { JobError } from "../../../model/job-error.js";
import { describeFindings, schemaDifference } from "../../../model/schema-difference.js";
import type { TableSchema } from "../../../model/table-schema.js";
import type { CommitId, WriteModeKind } from "../../../model/write-mode.js";
import { declaredType, sqliteStorage } from "./column-storage.js";
import { claimCommit, completeCommit } from "./commit-log.js";
import { whenUnlocked } from "./lock-wait.js";
import { quotedName } from "./quoted-name.js";
import { RowInserter } from "./row-inserter.js";
import type { StopFlag } from "./stop-flag.js";
import { readTableSchema } from "./table-shape.js";
import type { WireBatch } from "./wire-batch.js";

/** What one write is to do. */
export interface LoadRequest {
  readonly commitId: CommitId;
  readonly table: string;
  readonly mode: WriteModeKind;
  readonly schema: TableSchema;
  readonly createIfMissing: boolean;
}

/** How many rows a statement deletes one by one: few enough to be stopped soon between two. */
const ROWS_PER_DELETE = 10_000;

/**
 * One transaction, from BEGIN IMMEDIATE to COMMIT. After any error it is over: SQLite may have rolled it back by itself,
 * and the next statement would then commit on its own.
 */
export class TableLoad {
  private rowCount = 0;

  private constructor(
    private readonly database: Database,
    private readonly request: LoadRequest,
    private readonly inserter: RowInserter,
    private readonly stop: StopFlag,
  ) {}

  /** Waits for the lock, and then does everything but the rows. */
  static begin(database: Database, request: LoadRequest, stop: StopFlag): TableLoad {
    // One more fsync in each transaction, for which a commit survives also a loss of power.
    // The pragma reads the schema, which a writer that recovers from a crash locks.
    whenUnlocked(stop, () => database.pragma("synchronous = full"));
    whenUnlocked(stop, () => database.exec("begin immediate"));
    claimCommit(database, request.commitId, request.table);
    const existing = fittingTable(database, request);
    if (request.mode === "overwrite") deleteAll(database, request.table, stop);
    const inserter = new RowInserter(database, request.table, request.schema, existing, stop);
    return new TableLoad(database, request, inserter, stop);
  }

  insert(batch: WireBatch): void {
    this.inserter.insert(batch);
    this.rowCount += batch.rowCount;
  }

  /** Everything but the COMMIT. */
  stage(): void {
    completeCommit(this.database, this.request.commitId, this.rowCount);
  }

  /** Waits for readers that must leave first, as long as it takes: after the permit there is no way back. */
  commit(): void {
    whenUnlocked(this.stop, () => this.database.exec("commit"));
  }
}

/** The table as it is now: between the pre-flight and the lock it may have changed. */
function fittingTable(database: Database, { table, schema, createIfMissing }: LoadRequest): TableSchema {
  const existing = readTableSchema(database, table);
  if (existing === null && !createIfMissing) {
    throw new JobError("destination_missing", {
      message: `There is no table "${table}".`,
      hint: "Create it, or set createIfMissing on the job's destination.",
      table,
    });
  }
  const findings = schemaDifference({ produced: schema, existing, storage: sqliteStorage });
  if (findings.length > 0) {
    throw new JobError("schema_mismatch", {
      message: `The query's columns do not fit "${table}": ${describeFindings(findings)}.`,
      hint: "Rename, cast or leave out the named columns in the query, or change the table.",
      columns: findings.map(({ column }) => column),
      table,
    });
  }
  if (existing !== null) return existing;
  const columns = schema.columns.map(({ name, type }) => `${quotedName(name)} ${declaredType(type) ?? ""}`);
  database.exec(`create table main.${quotedName(table)} (${columns.join(", ")})`);
  return readTableSchema(database, table) ?? { columns: [] };
}

/**
 * Keeps the table with its triggers, views and indexes. Where neither a trigger nor a foreign key of another table asks
 * for each row, SQLite frees whole pages, which is quick.
 */
function deleteAll(database: Database, table: string, stop: StopFlag): void {
  const rowByRow = database
    .prepare(
      `select 1 from main.sqlite_schema where type = 'trigger' and tbl_name = :table collate nocase
       union all
       select 1 from main.sqlite_schema s, pragma_foreign_key_list(s.name) f
       where s.type = 'table' and f."table" = :table collate nocase`,
    )
    .get({ table });
  if (rowByRow === undefined) {
    database.exec(`delete from main.${quotedName(table)}`);
    return;
  }
  const some = database.prepare(`delete from main.${quotedName(table)} limit ${ROWS_PER_DELETE}`);
  while (some.run().changes > 0) stop.throwIfRaised();
}
