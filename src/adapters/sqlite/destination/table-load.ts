import type { Database } from "better-sqlite3";
import { refuseMisfit } from "../../../model/table-misfit.js";
import type { TableSchema } from "../../../model/table-schema.js";
import { type CommitId, isKeyed, keysOf, type WriteMode } from "../../../model/write-mode.js";
import type { StateChange } from "../../../ports/job-destination.js";
import { sqliteStorage } from "./column-storage.js";
import { claimCommit, completeCommit } from "./commit-log.js";
import { hasTriggers, refuseKeptRows } from "./kept-rows.js";
import { KeyedStage, STAGE_TABLE } from "./keyed-stage.js";
import { whenUnlocked } from "../thread/lock-wait.js";
import { quotedName } from "../quoted-name.js";
import { RowInserter } from "./row-inserter.js";
import { changeState, forgetStates } from "./state-log.js";
import type { StopFlag } from "../thread/stop-flag.js";
import { tableDefinition } from "./table-definition.js";
import { readTableSchema } from "./table-shape.js";
import type { WireBatch } from "../thread/wire-batch.js";

/** What one write is to do. */
export interface LoadRequest {
  readonly commitId: CommitId;
  readonly table: string;
  readonly mode: WriteMode;
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
    private readonly keyed: KeyedStage | null,
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
    const { table, mode, schema } = request;
    if (mode.kind === "overwrite") deleteAll(database, table, stop);
    const keyed = isKeyed(mode) ? new KeyedStage(database, table, mode, schema, existing) : null;
    const into = keyed ? STAGE_TABLE : `main.${quotedName(table)}`;
    const inserter = new RowInserter(database, { table, into, keys: keysOf(mode) }, schema, existing, stop);
    return new TableLoad(database, request, inserter, keyed, stop);
  }

  insert(batch: WireBatch): void {
    this.inserter.insert(batch);
    this.rowCount += batch.rowCount;
  }

  /** Everything but the COMMIT. @returns how many rows it will show. */
  stage(state: StateChange | null): number {
    const { database, rowCount } = this;
    const { commitId, table } = this.request;
    // First, since it is quick: staged rows are not worth moving when they may not land.
    if (state) changeState(database, table, commitId, state);
    const rowsWritten = this.keyed?.moveAll(rowCount, this.stop) ?? rowCount;
    completeCommit(database, commitId, rowsWritten);
    return rowsWritten;
  }

  /** Waits for readers that must leave first, as long as it takes: after the permit there is no way back. */
  commit(): void {
    whenUnlocked(this.stop, () => this.database.exec("commit"));
  }
}

/** The table as it is now: between the pre-flight and the lock it may have changed. */
function fittingTable(database: Database, { table, schema, createIfMissing }: LoadRequest): TableSchema {
  const existing = readTableSchema(database, table);
  refuseMisfit(table, { produced: schema, existing, storage: sqliteStorage, createIfMissing });
  if (existing !== null) return existing;
  database.exec(tableDefinition(table, schema));
  forgetStates(database, table);
  return readTableSchema(database, table) ?? { columns: [] };
}

/**
 * Keeps the table with its triggers, views and indexes. Where neither a trigger nor a foreign key of another table asks
 * for each row, SQLite frees whole pages, which is quick.
 */
function deleteAll(database: Database, table: string, stop: StopFlag): void {
  const referring = database
    .prepare(
      `select 1 from main.sqlite_schema s, pragma_foreign_key_list(s.name) f
       where s.type = 'table' and f."table" = ? collate nocase`,
    )
    .get(table);
  if (referring === undefined && !hasTriggers(database, table)) {
    database.exec(`delete from main.${quotedName(table)}`);
    return;
  }
  const some = database.prepare(`delete from main.${quotedName(table)} limit ${ROWS_PER_DELETE}`);
  while (some.run().changes > 0) stop.throwIfRaised();
  refuseKeptRows(database, table, "true");
}
