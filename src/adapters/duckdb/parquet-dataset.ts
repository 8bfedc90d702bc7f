import { join } from "node:path";
import { JobError } from "../../model/job-error.js";
import type { Connection, ConnectionCapabilities, TableListing } from "../../ports/connection.js";
import type { JobDestination } from "../../ports/job-destination.js";
import type { TableSource } from "../../ports/table-source.js";
import { ConnectionInstance, type EngineGuest } from "./connection-instance.js";
import { absolutePatterns, isPattern } from "./file-patterns.js";
import { readFailure } from "./parquet-dataset/dataset-failure.js";
import { DatasetDestination } from "./parquet-dataset/dataset-destination.js";
import { DatasetSource } from "./parquet-dataset/dataset-source.js";
import { hasCode, localDisk } from "./parquet-dataset/disk.js";
import {
  isSnapshot,
  type PruneOptions,
  type PruneReport,
  pruneTable,
  wholeVersions,
} from "./parquet-dataset/prune-table.js";
import { folderNameOf, TableFolder, tableNameOf } from "./parquet-dataset/table-folder.js";

/** Options of {@link parquetDataset}. */
export interface ParquetDatasetOptions {
  /**
   * The columns by whose values the rows of a table are spread over folders `column=value`, by the table's name. They are
   * fixed when the table is made: text, integers, dates, booleans or UUIDs.
   */
  readonly partitionBy?: Readonly<Record<string, readonly string[]>>;
  /**
   * What the mode `overwrite` replaces: `table`, the default, all rows; `partitions` those with the partition values of the
   * new rows. A table without partitions is always replaced whole.
   */
  readonly overwrite?: "table" | "partitions";
}

/** A snapshot of a table, read by its number as `lake."delays@12"`. */
export interface DatasetSnapshot {
  readonly version: number;
  readonly commitId: string;
  readonly mode: "append" | "overwrite";
  /** What the commit wrote, and what the table then held. */
  readonly rowsWritten: number;
  readonly rows: number;
  readonly files: number;
  readonly bytes: number;
}

/** The connection that {@link parquetDataset} makes. */
export interface ParquetDataset extends Connection {
  /** The snapshots that can be read, the newest first. Rejects with `connection_unavailable`. */
  snapshots(table: string): Promise<readonly DatasetSnapshot[]>;
  /**
   * Removes all snapshots but the newest ones, and what killed writers left. A query that reads a removed snapshot at that
   * moment fails; kept ones, and writers, are not touched.
   *
   * @throws JobError `invalid_definition` for options out of range, `connection_unavailable`.
   */
  prune(table: string, options: PruneOptions): Promise<PruneReport>;
}

/**
 * A folder of tables, each a set of Parquet files that is published by an atomic log: `lake: parquetDataset("./lake")` is
 * read as `FROM lake.delays`, and by snapshot as `FROM lake."delays@12"`.
 *
 * Readers see whole commits only, and each query one of them. Any number of processes may write: appends follow one
 * another, an overwrite replaces what is there when it lands. The file system must know hard links, and be one for all.
 * The folder is made by the first write; the one above it must be there.
 *
 * @throws JobError `invalid_definition` for a path that is no local one, and for options that are not what they should be.
 */
export function parquetDataset(folder: string, options: ParquetDatasetOptions = {}): ParquetDataset {
  const [path = ""] = absolutePatterns("parquetDataset", folder);
  // DuckDB takes every path that it reads for a pattern, and one with its signs spelled out for another folder.
  if (isPattern(path))
    throw invalid("path", `A dataset cannot lie below a folder with *, ? or [ in its name: ${path}.`);
  const { overwrite = "table", partitionBy = {} } = options;
  if (overwrite !== "table" && overwrite !== "partitions") {
    throw invalid("overwrite", 'overwrite is "table" or "partitions".');
  }
  for (const [table, columns] of Object.entries(partitionBy)) {
    const isList = Array.isArray(columns) && columns.every((name) => typeof name === "string" && name !== "");
    if (!isList || new Set(columns).size < columns.length) {
      throw invalid(`partitionBy.${table}`, "partitionBy has a list of different column names for each table.");
    }
  }
  return new DatasetFolder(path, { overwrite, partitionBy });
}

class DatasetFolder implements ParquetDataset, EngineGuest {
  readonly capabilities: ConnectionCapabilities;
  readonly paths: readonly string[];
  readonly instance: ConnectionInstance;
  private readonly tables = new Map<string, TableFolder>();

  constructor(
    private readonly folder: string,
    private readonly options: Required<ParquetDatasetOptions>,
  ) {
    this.paths = [`${folder}/`];
    this.instance = new ConnectionInstance(this.paths);
    this.capabilities = { kind: "parquetDataset", read: true, write: "transactional", tables: "named" };
  }

  /** `delays` is the newest snapshot, `delays@12` the one of that number. */
  source(name: string): TableSource | undefined {
    const [, plain = name, version] = /^(.+)@(\d{1,15})$/s.exec(name) ?? [];
    const table = this.table(plain);
    return table && new DatasetSource(table, name, version === undefined ? undefined : Number(version), this.paths);
  }

  destination(name: string): JobDestination | undefined {
    if (/@\d+$/.test(name)) return undefined;
    const { overwrite, partitionBy } = this.options;
    const table = this.table(name);
    const columns = Object.hasOwn(partitionBy, name) ? partitionBy[name] : undefined;
    return table && new DatasetDestination(table, { table: name, overwrite, partitionBy: columns }, this.instance);
  }

  async listTables(signal: AbortSignal): Promise<readonly TableListing[]> {
    await this.check(signal);
    try {
      const tables: TableListing[] = [];
      for (const folder of (await localDisk.list(this.folder)) ?? []) {
        signal.throwIfAborted();
        const name = tableNameOf(folder);
        if (name !== undefined && (await this.isTable(name))) tables.push({ name, kind: "table" });
      }
      return tables;
    } catch (error) {
      signal.throwIfAborted();
      throw readFailure(error, this.folder);
    }
  }

  async snapshots(name: string): Promise<readonly DatasetSnapshot[]> {
    const table = this.named(name);
    try {
      const versions = (await wholeVersions(table)).filter(isSnapshot);
      return versions.flatMap(({ version, act, files }) => {
        if (act.kind !== "commit" || (act.mode !== "append" && act.mode !== "overwrite")) return [];
        const { commitId, mode, rows: rowsWritten } = act;
        const rows = files.reduce((sum, file) => sum + file.rows, 0);
        const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
        return [{ version, commitId, mode, rowsWritten, rows, files: files.length, bytes }];
      });
    } catch (error) {
      throw readFailure(error, table.path);
    }
  }

  async prune(name: string, options: PruneOptions): Promise<PruneReport> {
    const table = this.named(name);
    const { keep, abandonedAfterMs = 0 } = options;
    if (!Number.isSafeInteger(keep) || keep < 1) throw invalid("keep", "keep is a whole number from 1.");
    if (!(abandonedAfterMs >= 0)) throw invalid("abandonedAfterMs", "abandonedAfterMs is a number from 0.");
    try {
      return await pruneTable(table, options);
    } catch (error) {
      throw readFailure(error, table.path);
    }
  }

  /** Resolves when the folder can be read, or is not there yet and can be made. */
  async check(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    try {
      if ((await localDisk.list(this.folder)) !== undefined) return;
      if ((await localDisk.list(join(this.folder, ".."))) !== undefined) return;
    } catch (error) {
      throw readFailure(error, this.folder);
    }
    throw new JobError("connection_unavailable", {
      message: `The dataset at ${this.folder} cannot be read or made: the folder above it is not there.`,
      hint: "Check its path, and that its disk is mounted.",
    });
  }

  close(): Promise<void> {
    return this.instance.close();
  }

  private table(name: string): TableFolder | undefined {
    const folder = folderNameOf(name);
    if (folder === undefined) return undefined;
    let table = this.tables.get(folder);
    if (table === undefined) this.tables.set(folder, (table = new TableFolder(localDisk, join(this.folder, folder))));
    return table;
  }

  /** A table that was begun, and never written, is none; nor is somebody's file. */
  private async isTable(name: string): Promise<boolean> {
    try {
      return ((await this.table(name)?.log.newest())?.columns ?? null) !== null;
    } catch (error) {
      if (hasCode(error, "ENOTDIR")) return false;
      throw error;
    }
  }

  private named(name: string): TableFolder {
    const table = this.table(name);
    if (table === undefined) throw invalid("table", `"${name}" cannot be the name of a table.`);
    return table;
  }
}

function invalid(field: string, message: string): JobError<"invalid_definition"> {
  return new JobError("invalid_definition", { message, hint: "Correct the option of parquetDataset().", field });
}
