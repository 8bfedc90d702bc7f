import type { Database } from "better-sqlite3";
import type { TableSchema } from "../../../model/table-schema.js";
import type { WantedRows } from "../../../ports/table-source.js";
import { type DatabaseFile, openIfMade } from "../thread/database-file.js";
import { READ_WAIT_MS, whenUnlocked } from "../thread/lock-wait.js";
import type { StopFlag } from "../thread/stop-flag.js";
import type { SendRows } from "../thread/wire-batch.js";
import { goneColumns, goneTable } from "./read-failures.js";
import { type ReadColumn, type ReadTable, readTable } from "./read-table.js";

/** What is to be read of a table. */
export interface ScanPlan {
  readonly table: ReadTable;
  readonly wanted: WantedRows;
  /** Those wanted, in their order. */
  readonly columns: readonly ReadColumn[];
}

/** One read transaction on a file, inside the worker, and the scans in it. */
export class TableReading {
  private planned: ScanPlan | undefined;

  private constructor(
    readonly file: DatabaseFile,
    private readonly database: Database | null,
    private readonly stop: StopFlag,
  ) {}

  static begin(file: DatabaseFile, stop: StopFlag): TableReading {
    const database = openIfMade(file);
    const reading = new TableReading(file, database, stop);
    try {
      // A transaction sees the moment of its first look, and not of its BEGIN.
      database?.exec("begin");
      whenUnlocked(stop, () => database?.prepare("select count(*) from main.sqlite_schema").get(), READ_WAIT_MS);
      return reading;
    } catch (error) {
      reading.end();
      throw error;
    }
  }

  /** What the batches of the next scan will hold. */
  plan(name: string, wanted: WantedRows): TableSchema {
    const table = this.database && readTable(this.database, name);
    if (table === null) throw goneTable(name);
    const found = wanted.columns.map((column) => table.columns.find((there) => there.name === column) ?? column);
    const lost = found.filter((column) => typeof column === "string");
    if (lost.length > 0) throw goneColumns(name, lost);
    const columns = found.filter((column) => typeof column !== "string");
    this.planned = { table, wanted, columns };
    return { columns };
  }

  /** How many rows SQLite counted. Arrow is loaded here, by the first scan of the thread. */
  async scan(send: SendRows): Promise<number> {
    const { scanRows } = await import("./scan-rows.js");
    if (this.planned === undefined || this.database === null) throw new TypeError("no scan was planned");
    return scanRows(this.database, this.planned, this.stop, send);
  }

  end(): void {
    this.database?.close();
  }
}
