import type { TableSchema } from "../../model/table-schema.js";
import type { Connection, ConnectionCapabilities } from "../../ports/connection.js";
import type { EngineRelation, TableSource } from "../../ports/table-source.js";
import { DUCKDB_DIALECT } from "./dialect.js";

/** Files that DuckDB reads as one table. They cannot be written: a file has no commit. */
export class FileConnection implements Connection {
  readonly capabilities: ConnectionCapabilities;
  readonly #source: TableSource;

  constructor(kind: string, from: string, paths: readonly string[]) {
    this.capabilities = {
      kind,
      read: true,
      write: "none",
      writeHint: "Files cannot commit all or nothing: write to sqlite() or memory() instead.",
      tables: "single",
    };
    const relation: EngineRelation = { dialect: DUCKDB_DIALECT, from, paths };
    this.#source = { relation, schema: (): Promise<TableSchema | null> => Promise.resolve(null) };
  }

  source(table: string): TableSource | undefined {
    return table === "" ? this.#source : undefined;
  }

  async check(): Promise<void> {
    await Promise.resolve();
  }

  async close(): Promise<void> {
    await Promise.resolve();
  }
}
