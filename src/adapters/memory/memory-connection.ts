import type { RecordBatch } from "apache-arrow";
import type { PlainRow } from "../../model/batch-values.js";
import { JobError } from "../../model/job-error.js";
import type { TableSchema } from "../../model/table-schema.js";
import type { Connection, ConnectionCapabilities, ConnectionSnapshot, TableListing } from "../../ports/connection.js";
import type { JobDestination } from "../../ports/job-destination.js";
import type { ScanRequest, TableSource } from "../../ports/table-source.js";
import { MemoryDestination } from "./memory-destination.js";
import { MemoryTables, type TableVersion } from "./memory-tables.js";

/** Tables in this process's memory: for tests, and for results that the host wants as objects. */
export interface MemoryConnection extends Connection {
  /**
   * The rows of a table as plain objects, in the order in which they were written. They are copies, and can be had also
   * after `stop()`. Rejects with `destination_missing` when no run has written the table.
   */
  rows(table: string): Promise<readonly PlainRow[]>;
  /** The names of all tables, in order. */
  tables(): readonly string[];
}

/**
 * A connection whose tables live and die with this object. It takes every write mode and keeps the state of jobs, makes missing tables
 * by default, keeps every type exactly, and can be read by queries.
 */
export function memory(): MemoryConnection {
  return new MemoryTablesConnection();
}

class MemoryTablesConnection implements MemoryConnection {
  readonly capabilities: ConnectionCapabilities = {
    kind: "memory",
    read: true,
    write: "transactional",
    tables: "named",
  };

  private readonly stored = new MemoryTables();

  source(table: string): TableSource | undefined {
    return table === "" ? undefined : new MemorySource(this.stored, table);
  }

  async listTables(signal: AbortSignal): Promise<readonly TableListing[]> {
    signal.throwIfAborted();
    return this.stored.names().map((name) => ({ name, kind: "table" }));
  }

  async snapshot(): Promise<ConnectionSnapshot> {
    const versions = new Map(this.stored.names().map((name) => [name, this.stored.version(name)]));
    return {
      scan: (table, request) => scanned(table, versions.get(table), request),
      close: () => Promise.resolve(),
    };
  }

  destination(table: string): JobDestination | undefined {
    return table === "" ? undefined : new MemoryDestination(this.stored, table);
  }

  async rows(table: string): Promise<readonly PlainRow[]> {
    return this.stored.rows(table);
  }

  tables(): readonly string[] {
    return this.stored.names();
  }

  async check(): Promise<void> {
    // Nothing outside that could fail to answer.
  }

  async close(): Promise<void> {
    // The tables stay: they are read after the executor has stopped.
  }
}

class MemorySource implements TableSource {
  constructor(
    private readonly stored: MemoryTables,
    private readonly table: string,
  ) {}

  async schema(): Promise<TableSchema | null> {
    return this.stored.version(this.table)?.schema ?? null;
  }

  /** Yields what the table held when the scan began; commits that come later are not seen. */
  scan(request: ScanRequest): AsyncIterable<RecordBatch> {
    return scanned(this.table, this.stored.version(this.table), request);
  }
}

/** Yields rows of one version of a table. */
async function* scanned(
  table: string,
  version: TableVersion | undefined,
  { columns, signal }: ScanRequest,
): AsyncGenerator<RecordBatch> {
  for (const { batch, schema, dropped } of version?.parts ?? []) {
    const selected = batch.selectAt(
      columns.map((name) => {
        const index = schema.columns.findIndex((column) => column.name === name);
        if (index === -1) throw neverWritten(table, name);
        return index;
      }),
    );
    for (const [from, to] of dropped ? keptRanges(dropped) : [[0, batch.numRows] as const]) {
      signal.throwIfAborted();
      yield to - from === batch.numRows ? selected : selected.slice(from, to);
    }
  }
}

/** Where the rows lie that no other has replaced: from the first up to but not including the last. */
function* keptRanges(dropped: Uint8Array): Generator<readonly [from: number, to: number]> {
  for (let from = dropped.indexOf(0); from !== -1;) {
    const end = dropped.indexOf(1, from);
    yield [from, end === -1 ? dropped.length : end];
    from = end === -1 ? -1 : dropped.indexOf(0, end);
  }
}

// Nulls of a type cannot be made here: that needs Arrow itself, which the main entry point does not load.
function neverWritten(table: string, column: string): JobError {
  return new JobError("query_failed", {
    message: `Some rows of "${table}" in memory() were written without column "${column}" and cannot be read with it.`,
    hint: `Let every job that writes "${table}" yield the column, if need be as a typed null.`,
    retryable: false,
    table,
    columns: [column],
  });
}
