import { Float64, RecordBatch, Schema, Struct, Utf8, Field, makeData, vectorFromArray } from "apache-arrow";
import type { Connection, DataType, ScanRequest, TableSchema, TableSource } from "millrace";

/** A table behind an API that gives its rows page by page. */
export interface PagedTable {
  readonly columns: Readonly<Record<string, "text" | "number">>;
  fetchPage(cursor: string | undefined, signal: AbortSignal): Promise<Page>;
}

export interface Page {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** Absent on the last page. */
  readonly next?: string;
}

/** `api: paged({ users: … })` is read as `FROM api.users`. */
export function paged(tables: Readonly<Record<string, PagedTable>>): Connection {
  return {
    capabilities: { kind: "paged", read: true, write: "none", writeHint: "Write to a database.", tables: "named" },
    source: (name) => {
      const table = Object.hasOwn(tables, name) ? tables[name] : undefined;
      return table && new PagedSource(table);
    },
    listTables: async (signal) => {
      signal.throwIfAborted();
      return Object.keys(tables).map((name) => ({ name, kind: "table" }));
    },
    check: async () => {
      // Ask the API for something small here, and throw when it does not answer.
    },
    close: () => Promise.resolve(),
  };
}

class PagedSource implements TableSource {
  constructor(private readonly table: PagedTable) {}

  async schema(): Promise<TableSchema> {
    const columns = Object.entries(this.table.columns).map(([name, kind]) => ({
      name,
      type: TYPES[kind],
      nullable: true,
    }));
    return { columns };
  }

  async *scan({ columns, signal }: ScanRequest): AsyncGenerator<RecordBatch> {
    let next: string | undefined;
    do {
      signal.throwIfAborted();
      const page = await this.table.fetchPage(next, signal);
      yield this.batch(columns, page.rows);
      next = page.next;
    } while (next !== undefined);
  }

  private batch(columns: readonly string[], rows: Page["rows"]): RecordBatch {
    const fields = columns.map(
      (name) => new Field(name, this.table.columns[name] === "text" ? new Utf8() : new Float64(), true),
    );
    const children = fields.map(
      ({ name, type }) =>
        vectorFromArray(
          rows.map((row) => row[name] ?? null),
          type,
        ).data[0]!,
    );
    return new RecordBatch(new Schema(fields), makeData({ type: new Struct(fields), length: rows.length, children }));
  }
}

const TYPES: Readonly<Record<"text" | "number", DataType>> = {
  text: { kind: "text" },
  number: { kind: "float", bits: 64 },
};
