import { JobError } from "../../model/job-error.js";
import type { Connection } from "../../ports/connection.js";
import type { TableSource } from "../../ports/table-source.js";
import type { TableReference } from "./query-shape.js";
import { quoteIdentifier } from "./quote.js";

/** A table that a query reads, and whose it is. */
export interface FoundTable {
  /** `connection` or `connection.table`, as hosts and messages write it. */
  readonly name: string;
  /** The connection's name as it was declared. */
  readonly connection: string;
  readonly system: Connection;
  /** Behind the connection's name; empty when the connection is the table. */
  readonly segments: readonly string[];
  readonly source: TableSource;
}

/** As the connection calls it. */
export function sourceName({ segments }: Pick<FoundTable, "segments">): string {
  return segments.join(".");
}

/** Finds the tables of declared connections, ignoring case in the connections' names. */
export class TableFinder {
  private readonly byName = new Map<string, { readonly name: string; readonly connection: Connection }>();

  /** @throws JobError `invalid_definition` for names that DuckDB keeps for itself, or that differ only in case. */
  constructor(connections: ReadonlyMap<string, Connection>) {
    for (const [name, connection] of connections) {
      const folded = name.toLowerCase();
      if (RESERVED.has(folded)) {
        throw invalidName(name, `The connection name "${name}" is one that DuckDB keeps for itself.`);
      }
      const other = this.byName.get(folded)?.name;
      if (other !== undefined)
        throw invalidName(name, `The connections "${other}" and "${name}" have one name in SQL.`);
      this.byName.set(folded, { name, connection });
    }
  }

  /** @throws JobError for a name that no connection answers to (law 13). */
  find({ catalog, schema, table }: TableReference): FoundTable {
    const written = [catalog, schema, table].filter((part) => part !== "");
    const [root = "", ...segments] = written;
    const entry = this.byName.get(root.toLowerCase());
    if (entry === undefined) throw this.unknown(written);
    const { name, connection } = entry;
    if (connection.capabilities.tables === "qualified" && segments[0]?.includes(".")) throw dotted(name, segments);
    const source = connection.source?.(sourceName({ segments }));
    if (source === undefined) throw noSuchTable(name, segments, connection);
    return { name: [name, ...segments].join("."), connection: name, system: connection, segments, source };
  }

  private unknown(written: readonly string[]): JobError {
    const name = written.join(".");
    const declared = [...this.byName.values()].map((entry) => entry.name).sort();
    const known = declared.length === 0 ? "No connection is declared." : `Declared are ${declared.join(", ")}.`;
    if (written.length === 1 && /[/\\:*?]|\.\w+$/.test(name)) {
      return new JobError("unsupported_query", {
        message: `The query reads "${name}", which is not a declared connection: files are never opened by their path.`,
        hint: `Declare the file, for example connections: { data: csv("…") }, and read FROM data. ${known}`,
      });
    }
    if (SYSTEM.test(name)) {
      return new JobError("unsupported_query", {
        message: `The query reads "${name}", which belongs to DuckDB itself and not to a declared connection.`,
        hint: known,
      });
    }
    return new JobError("sql_plan_failure", {
      message: `The query reads "${name}", and no connection is called "${written[0] ?? ""}".`,
      hint: known,
    });
  }
}

/** The engine's own catalogue and schema, for what it loads from sources that DuckDB cannot read by itself. */
export const WORKING_CATALOG = "millrace";
export const WORKING_SCHEMA = "millrace_work";

const RESERVED: ReadonlySet<string> = new Set([
  "main",
  "temp",
  "system",
  "memory",
  "information_schema",
  "pg_catalog",
  WORKING_CATALOG,
]);

const SYSTEM = /^(main|temp|system|memory|millrace|information_schema|pg_catalog|duckdb_|pg_|sqlite_|pragma_)/i;

function invalidName(name: string, message: string): JobError<"invalid_definition"> {
  return new JobError("invalid_definition", {
    message,
    hint: "Give the connection another name.",
    field: `connections.${name}`,
    connection: name,
  });
}

/** Its name, joined by dots, would be that of another table. */
function dotted(name: string, segments: readonly string[]): JobError {
  const path = [name, ...segments].map(quoteIdentifier).join(".");
  const [first = "", ...others] = segments;
  const table = others.length === 0 ? `"${first}"` : `a schema "${first}"`;
  return new JobError("unsupported_query", {
    message: `The query reads ${path}: the connection ${name} would take the dot in "${first}" for the one behind a schema.`,
    hint:
      others.length === 0
        ? `Name the schema of the table ${table}, as in ${quoteIdentifier(name)}.<schema>.${quoteIdentifier(first)}.`
        : `A table in ${table} cannot be named. Read a view of it that lies in another one.`,
    connection: name,
  });
}

function noSuchTable(name: string, segments: readonly string[], { capabilities }: Connection): JobError {
  const isSingle = capabilities.tables === "single";
  const asked = segments.length === 0 ? `"${name}" without a table` : `"${[name, ...segments].join(".")}"`;
  return new JobError("sql_plan_failure", {
    message: capabilities.read
      ? `The query reads ${asked}, which the connection ${name} does not have.`
      : `The query reads ${asked}, and the connection ${name} cannot be read.`,
    hint: isSingle
      ? `The connection is itself the table: FROM ${name}.`
      : `Name one of its tables: FROM ${name}.<table>.`,
    connection: name,
  });
}
