import { existsSync, readlinkSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { JobError } from "../../model/job-error.js";
import type { Connection, ConnectionCapabilities, TableListing } from "../../ports/connection.js";
import type { JobDestination } from "../../ports/job-destination.js";
import type { TableSource } from "../../ports/table-source.js";
import { DEFAULT_WAIT_MS } from "./attached-files.js";
import { ConnectionInstance, type EngineGuest } from "./connection-instance.js";
import { DUCKDB_DIALECT } from "./dialect.js";
import { fileMissing } from "./file-error.js";
import { absolutePatterns } from "./file-patterns.js";
import { DuckDBDestination } from "./duckdb-file/duckdb-destination.js";
import { SharedFile } from "./duckdb-file/shared-file.js";
import { tableNameIn } from "./duckdb-file/table-name.js";

/** Options of {@link duckdb}. */
export interface DuckDBFileOptions {
  /** Default `read_only`. With `read_write` a missing file is made by the first write; its folder must be there. */
  readonly access?: "read_only" | "read_write";
  /** How long to wait for a file that another process has open, in milliseconds. Default 10,000. */
  readonly lockWaitMs?: number;
}

/**
 * The tables and views of a DuckDB file: `shop: duckdb("./shop.duckdb")` is read as `FROM shop.orders` or
 * `FROM shop.sales.orders`, and written, by the same names, as the tables of it.
 *
 * The file is open only while somebody uses it, so that other processes get their turn: DuckDB lets one process at a time
 * write a file, and nobody read it meanwhile. Within a process the engine and this connection share one DuckDB instance. A
 * file that is written has a `<file>.lock` beside it, which stays. Proof of each commit is kept in a table
 * `_millrace_commits`, the state of jobs in `_millrace_state`.
 *
 * @throws JobError `invalid_definition`, with `field`, for a path that is no local one and for options that are none.
 */
export function duckdb(path: string, options: DuckDBFileOptions = {}): Connection {
  const [file = ""] = absolutePatterns("duckdb", path);
  const { access = "read_only", lockWaitMs = DEFAULT_WAIT_MS } = options;
  if (access !== "read_only" && access !== "read_write") {
    throw invalidOption("access", 'is "read_only" or "read_write"');
  }
  if (!Number.isSafeInteger(lockWaitMs) || lockWaitMs < 0) {
    throw invalidOption("lockWaitMs", "is a whole number of milliseconds");
  }
  return new DuckDBFile(realPath(file), access === "read_only", lockWaitMs);
}

class DuckDBFile implements EngineGuest {
  readonly paths: readonly string[];
  readonly capabilities: ConnectionCapabilities;
  readonly instance: ConnectionInstance;
  private readonly shared: SharedFile;

  constructor(
    private readonly path: string,
    private readonly readOnly: boolean,
    waitMs: number,
  ) {
    // What DuckDB keeps beside the file: changes that are not in it yet, also in the middle of putting them there.
    this.paths = [path, ...[".wal", ".wal.checkpoint", ".wal.recovery"].map((ending) => path + ending)];
    this.instance = new ConnectionInstance(this.paths, { path, readOnly, waitMs });
    this.shared = new SharedFile(this.instance, { path, readOnly });
    this.capabilities = {
      kind: "duckdb",
      read: true,
      tables: "named",
      resource: path,
      ...(readOnly
        ? { write: "read_only", writeHint: 'Open it with duckdb(path, { access: "read_write" }).' }
        : { write: "transactional" }),
    };
  }

  source(table: string): TableSource | undefined {
    const name = tableNameIn(table);
    if (name === undefined) return undefined;
    return {
      relation: {
        dialect: DUCKDB_DIALECT,
        from: name.sql,
        paths: this.paths,
        attach: { path: this.path, readOnly: this.readOnly },
      },
      schema: (signal) => this.shared.schema(name, signal, { views: true }),
    };
  }

  listTables(signal: AbortSignal): Promise<readonly TableListing[]> {
    return this.shared.tables(signal);
  }

  /** Names that DuckDB or Millrace keep for themselves are none. */
  destination(table: string): JobDestination | undefined {
    const name = tableNameIn(table);
    return name === undefined || name.isReserved ? undefined : new DuckDBDestination(this.shared, name);
  }

  /** Resolves when the file is there, or may be made, and is a DuckDB file. */
  async check(signal: AbortSignal): Promise<void> {
    if (this.readOnly || existsSync(this.path)) await this.shared.use(signal, () => Promise.resolve());
    else if (!existsSync(dirname(this.path))) throw fileMissing(this.path);
  }

  close(): Promise<void> {
    return this.instance.close();
  }
}

/** Links resolved, also for a file that is not there yet: one file must have one name. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    const folder = dirname(path);
    if (folder === path) return path;
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    const target = isMissing ? linkTarget(path) : undefined;
    return target === undefined ? join(realPath(folder), basename(path)) : realPath(resolve(folder, target));
  }
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function invalidOption(field: string, rule: string): JobError<"invalid_definition"> {
  return new JobError("invalid_definition", {
    message: `The option ${field} of duckdb() ${rule}.`,
    hint: "See the docstrings of DuckDBFileOptions.",
    field,
  });
}
