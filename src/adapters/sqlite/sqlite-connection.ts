import { realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { JobError } from "../../model/job-error.js";
import type { Connection, ConnectionCapabilities, ConnectionSnapshot, TableListing } from "../../ports/connection.js";
import type { JobDestination } from "../../ports/job-destination.js";
import type { TableSource } from "../../ports/table-source.js";
import { COMMIT_TABLE } from "./destination/commit-log.js";
import { STATE_TABLE } from "./destination/state-log.js";
import { canBeName } from "./quoted-name.js";
import { SqliteSnapshot } from "./source/sqlite-snapshot.js";
import { SqliteSource } from "./source/sqlite-source.js";
import { SqliteDestination } from "./sqlite-destination.js";
import type { DatabaseFile } from "./thread/database-file.js";
import { SqliteThreads } from "./thread/sqlite-threads.js";

export interface SqliteOptions {
  /** Default `read_only`. With `read_write` a missing file is made by the first write; its folder must be there. */
  readonly access?: "read_only" | "read_write";
}

/**
 * The tables and views of a SQLite file.
 *
 * A query reads them in one read transaction, by a thread of its own: in WAL mode nobody waits for it, in SQLite's default
 * mode who writes to the file waits until the rows are read. Rows go in inside one transaction, written by a thread of its own. The file's journal mode is left as it is: in
 * SQLite's default mode readers wait while a large load is written, in WAL mode they do not, and loading takes a little
 * longer. Proof of each commit is kept in a table `_millrace_commits`, the state of jobs in a table `_millrace_state`.
 *
 * @param path of the file, relative to the working directory of this call. A database in memory cannot be shared with
 * the thread and is refused.
 */
export function sqlite(path: string, options: SqliteOptions = {}): Connection {
  if (path === "" || path.startsWith(":memory:") || path.includes("\0")) {
    throw new JobError("invalid_definition", {
      message: `sqlite() needs the path of a file, not "${path}".`,
      hint: "Give a path; for tables in memory use memory().",
      field: "path",
    });
  }
  return new SqliteConnection(resolve(path), options.access ?? "read_only");
}

class SqliteConnection implements Connection {
  private readonly threads = new SqliteThreads();
  private readonly file: DatabaseFile;

  constructor(path: string, access: NonNullable<SqliteOptions["access"]>) {
    this.file = { path, readOnly: access === "read_only" };
  }

  get capabilities(): ConnectionCapabilities {
    return {
      kind: "sqlite",
      read: true,
      tables: "named",
      resource: `file:${realPath(this.file.path)}`,
      ...(this.file.readOnly
        ? { write: "read_only", writeHint: 'Open it with sqlite(path, { access: "read_write" }).' }
        : { write: "transactional" }),
    };
  }

  /** A table's name is taken as it is written, dots included. Names that SQLite or Millrace keep for themselves are none. */
  source(table: string): TableSource | undefined {
    return isName(table) ? new SqliteSource(this.threads, this.file, table) : undefined;
  }

  async listTables(signal: AbortSignal): Promise<readonly TableListing[]> {
    const tables = await this.threads.use(signal, (thread) => thread.call({ do: "tables", file: this.file }));
    return tables.filter(({ name }) => isName(name));
  }

  snapshot(_tables: readonly string[], signal: AbortSignal): Promise<ConnectionSnapshot> {
    return SqliteSnapshot.open(this.threads, this.file, signal);
  }

  destination(table: string): JobDestination | undefined {
    return isName(table) ? new SqliteDestination(this.threads, this.file, table) : undefined;
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.threads.use(signal, (thread) => thread.call({ do: "check", file: this.file }));
  }

  close(): Promise<void> {
    return this.threads.close();
  }
}

function isName(table: string): boolean {
  const reserved = /^(sqlite_|main\.|temp\.)/i.test(table) || [COMMIT_TABLE, STATE_TABLE].includes(table.toLowerCase());
  return !reserved && canBeName(table);
}

/** Links resolved, also for a file that is not there yet. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const folder = dirname(path);
    return folder === path ? path : join(realPath(folder), basename(path));
  }
}
