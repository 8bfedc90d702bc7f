import { JobError } from "../../model/job-error.js";
import type { Connection } from "../../ports/connection.js";
import type { EngineRelation, TableSource } from "../../ports/table-source.js";
import type { Database } from "./database.js";
import { runError } from "./engine-error.js";
import type { TableReference } from "./query-shape.js";
import { quoteIdentifier } from "./quote.js";

/** A table that a query may read, found under the name that the query uses. */
interface Found {
  /** `connection` or `connection.table`, as hosts and messages write it. */
  readonly name: string;
  readonly connection: string;
  readonly table: string;
  readonly source: TableSource;
}

/** Makes the tables of the declared connections visible to DuckDB under the names that queries use. */
export class SourceCatalog {
  /** By the name in lower case. */
  private readonly connections = new Map<string, { readonly name: string; readonly connection: Connection }>();
  private readonly made = new Map<string, Promise<void>>();
  // Concurrent DDL conflicts in DuckDB: one statement after the other.
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly database: Database,
    private readonly dialect: string,
    connections: ReadonlyMap<string, Connection>,
  ) {
    for (const [name, connection] of connections) this.connections.set(name.toLowerCase(), { name, connection });
  }

  /**
   * Sees to it that each table can be read by the name that the query gives it.
   *
   * @returns their names as `connection` or `connection.table`, each once, in order.
   */
  async provide(references: readonly TableReference[]): Promise<readonly string[]> {
    const found = new Map(references.map((reference) => this.find(reference)).map((table) => [table.name, table]));
    for (const table of found.values()) {
      const key = table.name.toLowerCase();
      let made = this.made.get(key);
      if (made === undefined) {
        made = this.make(table);
        this.made.set(key, made);
        made.catch(() => this.made.delete(key));
      }
      await made;
    }
    return [...found.keys()].sort();
  }

  private find(reference: TableReference): Found {
    const segments = [reference.catalog, reference.schema, reference.table].filter((part) => part !== "");
    const [root = "", ...rest] = segments;
    const entry = this.connections.get(root.toLowerCase());
    const written = segments.join(".");
    if (entry === undefined) throw unknownTable(written, [...this.connections.values()].map(({ name }) => name));
    const { name, connection } = entry;
    const table = rest.join(".");
    const source = connection.source?.(table);
    if (source === undefined) {
      const single = connection.capabilities.tables === "single";
      throw new JobError("sql_plan_failure", {
        message: `The connection ${name} has no table ${table === "" ? "of its own" : `"${table}"`}.`,
        hint: single ? `Name it alone: FROM ${name}.` : `Name a table behind it: FROM ${name}.<table>.`,
        connection: name,
      });
    }
    return { name: table === "" ? name : `${name}.${table}`, connection: name, table, source };
  }

  private async make(table: Found): Promise<void> {
    const relation = table.source.relation;
    if (relation?.dialect === this.dialect) await this.serially(() => this.makeView(table, relation));
    else throw new JobError("internal_error", { message: "not yet", hint: "" });
  }

  private async makeView(table: Found, relation: EngineRelation): Promise<void> {
    try {
      const name = [table.connection, ...(table.table === "" ? [] : [table.table])].map(quoteIdentifier).join(".");
      await this.database.use((connection) =>
        connection.execute(`create or replace view ${name} as from ${relation.from}`),
      );
    } catch (error) {
      const cause = runError(error);
      throw new JobError("connection_unavailable", {
        message: `The connection ${table.name} cannot be read: ${cause.message}`,
        hint: "Check the path and that the file is what the connection says.",
        connection: table.connection,
        cause,
      });
    }
  }

  private serially<T>(act: () => Promise<T>): Promise<T> {
    const next = this.last.then(act);
    this.last = next.catch(() => undefined);
    return next;
  }
}

function unknownTable(written: string, names: readonly string[]): JobError {
  return new JobError("sql_plan_failure", {
    message: `There is no connection called "${written}".`,
    hint: `The declared connections are ${names.sort().join(", ") || "none"}.`,
  });
}
