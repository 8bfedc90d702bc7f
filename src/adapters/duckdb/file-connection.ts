import type { TableSchema } from "../../model/table-schema.js";
import type { Connection, ConnectionCapabilities, TableListing } from "../../ports/connection.js";
import type { TableSource } from "../../ports/table-source.js";
import type { DuckDBRelation } from "./duckdb-relation.js";

/** Files that DuckDB reads as one table. They are never written: a plain file cannot commit all or nothing. */
export class FileConnection implements Connection {
  readonly capabilities: ConnectionCapabilities;
  readonly paths: readonly string[];
  readonly #source: TableSource;

  constructor(kind: string, relation: DuckDBRelation) {
    this.paths = relation.paths;
    this.capabilities = {
      kind,
      read: true,
      write: "none",
      writeHint: `A ${kind} file cannot commit all or nothing. Write to sqlite() or memory() instead.`,
      tables: "single",
    };
    this.#source = { relation, schema: (signal) => describeRelation(relation, signal) };
  }

  source(table: string): TableSource | undefined {
    return table === "" ? this.#source : undefined;
  }

  async listTables(signal: AbortSignal): Promise<readonly TableListing[]> {
    await this.check(signal);
    return [{ name: "", kind: "table" }];
  }

  /** Resolves when the files are there and are what they should be. */
  async check(signal: AbortSignal): Promise<void> {
    await this.#source.schema(signal);
  }

  async close(): Promise<void> {
    // Files are open only while they are read.
  }
}

async function describeRelation(relation: DuckDBRelation, signal: AbortSignal): Promise<TableSchema | null> {
  const { describeAlone } = await import("./describe-alone.js");
  return describeAlone(relation, signal);
}
