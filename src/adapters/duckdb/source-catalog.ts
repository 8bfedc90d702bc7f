import { JobError } from "../../model/job-error.js";
import type { AttachedFiles } from "./attached-files.js";
import { DUCKDB_DIALECT } from "./dialect.js";
import type { DuckDBRelation } from "./duckdb-relation.js";
import type { EngineConnection } from "./engine-connection.js";
import type { EngineHost } from "./engine-host.js";
import { badValueError, runError } from "./engine-error.js";
import { badValueIn } from "./exact-column.js";
import { type FoundTable, type TableFinder } from "./found-table.js";
import type { OneAtATime } from "./one-at-a-time.js";
import type { TableReference } from "./query-shape.js";
import { quoteIdentifier, quoteText } from "./quote.js";
import { ScannedTables, type WantedRows } from "./scanned-tables.js";

/** What a query reads, for as long as it needs it. */
export interface ProvidedTables {
  /** As `connection` or `connection.table`, each once, in order. */
  readonly tables: readonly string[];
  /** Equal only where the tables have the same columns; undefined where DuckDB itself finds the columns out. */
  readonly columns: string | undefined;
  /** Paths of the database files that are attached for it. */
  readonly files: ReadonlySet<string>;
  /** Whether `release` gives anything back. */
  readonly isHeld: boolean;
  /** Called once nothing of the query runs any more. */
  readonly release: () => Promise<void>;
  /** A failure of the query, with the place in a file where that tells more. Needs the connection outside a transaction. */
  readonly explain: (error: JobError) => Promise<JobError>;
}

type Release = () => Promise<void>;

interface ProvidedTable {
  /** The engine's own table that stands for it. */
  readonly loaded?: string;
  /** The path of the database file that it is in. */
  readonly file?: string;
  readonly release?: Release | undefined;
}

/** Makes the tables of the declared connections visible to DuckDB under the names by which queries call them. */
export class SourceCatalog {
  private readonly ddl: OneAtATime;
  private readonly attached: AttachedFiles;
  private readonly scanned: ScannedTables;
  /** The body of the view that stands for a table, by the table's name in lower case. */
  private readonly views = new Map<string, string>();
  private readonly namespaces = new Set<string>();

  constructor(
    { ddl, files, tables }: EngineHost,
    private readonly finder: TableFinder,
  ) {
    this.ddl = ddl;
    this.attached = files;
    this.scanned = new ScannedTables(tables);
  }

  /** Sees to it that `connection` can read each table by the name that the query gives it. */
  async provide(
    connection: EngineConnection,
    references: readonly TableReference[],
    wanted: WantedRows,
  ): Promise<ProvidedTables> {
    const found = new Map(
      references.map((reference) => this.finder.find(reference)).map((table) => [table.name, table]),
    );
    refuseTwoSpellings([...found.keys()]);
    const releases: Release[] = [];
    const loadedAs: string[] = [];
    const files = new Set<string>();
    const release = async (): Promise<void> => {
      await Promise.allSettled(releases.splice(0).map((free) => free()));
    };
    try {
      for (const table of found.values()) {
        const { loaded, file, release: free } = await this.provideOne(connection, table, wanted);
        if (free !== undefined) releases.push(free);
        if (loaded !== undefined) loadedAs.push(loaded);
        if (file !== undefined) files.add(file);
      }
    } catch (error) {
      await release();
      throw error;
    }
    const explain = (error: JobError): Promise<JobError> => placed(error, [...found.values()], connection);
    return {
      tables: [...found.keys()].sort(),
      columns: loadedAs.length === found.size ? loadedAs.join() : undefined,
      files,
      isHeld: releases.length > 0,
      release,
      explain,
    };
  }

  private async provideOne(
    connection: EngineConnection,
    table: FoundTable,
    wanted: WantedRows,
  ): Promise<ProvidedTable> {
    const relation: DuckDBRelation | undefined = table.source.relation;
    if (relation === undefined || relation.dialect !== DUCKDB_DIALECT) {
      const loaded = await this.scanned.provide(connection, table, wanted);
      const variable = `millrace:${table.name.toLowerCase()}`;
      await connection.execute(`set variable ${quoteIdentifier(variable)} = ${quoteText(loaded.name)}`);
      // One view for all, and in it the table that this connection's query has: others may read another content.
      await this.view(connection, table, `from query_table(getvariable(${quoteText(variable)}))`);
      return { loaded: loaded.name, release: loaded.release };
    }
    try {
      if (relation.attach !== undefined) {
        const use = { ...relation.attach, name: table.connection, create: false, signals: wanted.signals };
        return { file: use.path, release: (await this.attached.lease(use)).release };
      }
      const from = (await relation.pin?.((sql) => connection.read(sql))) ?? relation.from;
      await this.view(connection, table, `from ${from}`);
      return {};
    } catch (error) {
      throw unreadable(table, error);
    }
  }

  private async view(
    connection: EngineConnection,
    { name, connection: root, segments }: FoundTable,
    body: string,
  ): Promise<void> {
    const key = name.toLowerCase();
    if (this.views.get(key) === body) return;
    await this.ddl.run(async () => {
      if (this.views.get(key) === body) return;
      for (const statement of this.namespaceOf(root, segments)) await connection.execute(statement);
      const path = [root, ...segments].map(quoteIdentifier).join(".");
      await connection.read(`create or replace view ${path} as ${body}`);
      this.views.set(key, body);
    });
  }

  /** `crm.orders` is a table of the database `crm`, and `crm.sales.orders` one of the schema `sales` in it. */
  private *namespaceOf(root: string, segments: readonly string[]): Generator<string> {
    const catalog = root.toLowerCase();
    if (segments.length > 0 && !this.namespaces.has(catalog)) {
      this.namespaces.add(catalog);
      yield `attach if not exists ':memory:' as ${quoteIdentifier(root)}`;
    }
    const [schema] = segments.slice(0, -1);
    if (schema !== undefined) yield `create schema if not exists ${[root, schema].map(quoteIdentifier).join(".")}`;
  }
}

/** DuckDB ignores case in names: it would read one table under both spellings. */
function refuseTwoSpellings(names: readonly string[]): void {
  const seen = new Map<string, string>();
  for (const name of names) {
    const other = seen.get(name.toLowerCase());
    if (other !== undefined) {
      throw new JobError("unsupported_query", {
        message: `The query reads "${other}" and "${name}", which differ in case only.`,
        hint: "DuckDB ignores case in names. Read them in two jobs, or rename one.",
      });
    }
    seen.set(name.toLowerCase(), name);
  }
}

async function placed(error: JobError, tables: readonly FoundTable[], connection: EngineConnection): Promise<JobError> {
  const bad = badValueIn(error.message);
  if (bad === undefined) return error;
  for (const { source } of tables) {
    const relation: DuckDBRelation | undefined = source.relation;
    const place = await relation?.locate?.(bad, (sql) => connection.scan(sql));
    if (place !== undefined) return badValueError(bad, place, error);
  }
  return badValueError(bad, undefined, error);
}

function unreadable(table: FoundTable, thrown: unknown): JobError {
  const cause = runError(thrown);
  // A table that the connection does not have is no fault of the connection.
  if (cause.code === "resource_limit_exceeded" || cause.code === "sql_plan_failure") return cause;
  const isKnown = cause.code === "connection_unavailable";
  return new JobError("connection_unavailable", {
    message: `The connection ${table.connection} cannot be read: ${cause.message}`,
    hint: isKnown ? cause.hint : "Check its path, and that the file is what the connection says it is.",
    ...(isKnown && { retryable: cause.retryable }),
    connection: table.connection,
    cause,
  });
}
