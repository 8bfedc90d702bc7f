import type { Connection, ConnectionCapabilities, TableListing } from "../../ports/connection.js";
import type { TableSource } from "../../ports/table-source.js";

/** Tables that lie in this process's memory and never change: one, which is the connection itself, or several by name. */
export class HeldTables implements Connection {
  readonly capabilities: ConnectionCapabilities;

  constructor(
    kind: string,
    private readonly held: TableSource | ReadonlyMap<string, TableSource>,
  ) {
    this.capabilities = {
      kind,
      read: true,
      write: "none",
      writeHint: `What ${kind}() was given never changes. Write to memory() instead.`,
      tables: held instanceof Map ? "named" : "single",
    };
  }

  source(table: string): TableSource | undefined {
    if (isOne(this.held)) return table === "" ? this.held : undefined;
    return this.held.get(table);
  }

  async listTables(signal: AbortSignal): Promise<readonly TableListing[]> {
    signal.throwIfAborted();
    const names = isOne(this.held) ? [""] : [...this.held.keys()];
    return names.map((name) => ({ name, kind: "table" }));
  }

  async check(): Promise<void> {
    // There is nothing that could be away.
  }

  async close(): Promise<void> {
    // The garbage collector frees it.
  }
}

function isOne(held: TableSource | ReadonlyMap<string, TableSource>): held is TableSource {
  return !(held instanceof Map);
}
