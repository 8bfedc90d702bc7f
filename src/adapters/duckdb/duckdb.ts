import { open } from "node:fs/promises";
import { causeChain, JobError } from "../../model/job-error.js";
import type { TableSchema } from "../../model/table-schema.js";
import type { Connection, ConnectionCapabilities } from "../../ports/connection.js";
import type { TableSource } from "../../ports/table-source.js";
import { DUCKDB_DIALECT } from "./dialect.js";
import type { DuckDBRelation } from "./duckdb-relation.js";
import { absolutePatterns } from "./file-patterns.js";
import { quoteIdentifier } from "./quote.js";

/** Options of {@link duckdb}. */
export interface DuckDBFileOptions {
  /** DuckDB files can only be read so far. */
  readonly access?: "read_only";
}

/**
 * The tables and views of a DuckDB file: `shop: duckdb("./shop.duckdb")` is read as `FROM shop.orders` or
 * `FROM shop.main.orders`.
 *
 * The file is open only while a query reads it. One file can be open once in a process: a second connection to it, or a
 * database that the host has open, fails with `connection_unavailable`.
 *
 * @throws JobError `invalid_definition` for a path that is no local one.
 */
export function duckdb(path: string, options: DuckDBFileOptions = {}): Connection {
  const [file = ""] = absolutePatterns("duckdb", path);
  if (options.access !== undefined && options.access !== "read_only") {
    throw new JobError("invalid_definition", {
      message: "duckdb() cannot be opened for writing yet.",
      hint: 'Leave access out, or say access: "read_only".',
      field: "access",
    });
  }
  return new DuckDBFile(file);
}

class DuckDBFile implements Connection {
  readonly paths: readonly string[];
  readonly capabilities: ConnectionCapabilities;

  constructor(private readonly file: string) {
    // Opening also looks for changes that another process has not yet put into the file itself.
    this.paths = [file, `${file}.wal`];
    this.capabilities = {
      kind: "duckdb",
      read: true,
      write: "read_only",
      writeHint: "DuckDB files can only be read so far. Write to sqlite() or memory() instead.",
      tables: "named",
      resource: file,
    };
  }

  source(table: string): TableSource | undefined {
    const segments = table.split(".");
    if (segments.length > 2 || segments.includes("")) return undefined;
    const relation: DuckDBRelation = {
      dialect: DUCKDB_DIALECT,
      from: segments.map(quoteIdentifier).join("."),
      paths: this.paths,
      attach: { path: this.file, readOnly: true },
    };
    return { relation, schema: (signal) => describeTable(relation, signal) };
  }

  /** Resolves when the file is there and is a DuckDB file. */
  async check(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    try {
      const handle = await open(this.file);
      try {
        // Behind a checksum of eight bytes.
        const { buffer } = await handle.read(Buffer.alloc(4), 0, 4, 8);
        if (buffer.toString("latin1") !== "DUCK") throw new Error(`${this.file} is not a DuckDB file`);
      } finally {
        await handle.close();
      }
    } catch (error) {
      throw new JobError("connection_unavailable", {
        message: `The DuckDB file cannot be read: ${causeChain(error)}.`,
        hint: "Check its path.",
        cause: error,
      });
    }
  }

  async close(): Promise<void> {
    // The engine closes the file with the query that reads it.
  }
}

async function describeTable(relation: DuckDBRelation, signal: AbortSignal): Promise<TableSchema | null> {
  const { describeAlone } = await import("./describe-alone.js");
  return describeAlone(relation, signal);
}
