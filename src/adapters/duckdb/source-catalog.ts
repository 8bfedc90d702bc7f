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
import { namespaceOf } from "./namespace.js";
import { type StandIn, standInsFor } from "./pushdown/stand-ins.js";
import { type ScannedTable, ScannedTables, type TableToRead } from "./scanned-tables.js";

/** What a query reads, for as long as it needs it. */
export interface ProvidedTables {
  /** As `connection` or `connection.table`, each once, in order. */
  readonly tables: readonly string[];
  /** Equal only where the tables have the same columns; undefined where DuckDB itself finds the columns out. */
  readonly columns: string | undefined;
  /** Paths of the database files that are attached for it. */
  readonly files: ReadonlySet<string>;
  /** Those that DuckDB cannot read by itself, in order. */
  readonly scanned: readonly ScannedTable[];
  /** All of them, as a planner may stand in for them. */
  readonly standIns: () => Promise<readonly StandIn[]>;
  /** Reads rows of scanned tables that are not whole. */
  readonly load: (reads: readonly TableToRead[]) => Promise<void>;
  /** Whether `release` gives anything back. */
  readonly isHeld: () => boolean;
  /** Called once nothing of the query runs any more. */
  readonly release: () => Promise<void>;
  /** A failure of the query, with the place in a file where that tells more. Needs the connection outside a transaction. */
  readonly explain: (error: JobError) => Promise<JobError>;
}

type Release = () => Promise<void>;

interface ProvidedTable {
  readonly scanned?: ScannedTable;
  /** The path of the database file that it is in. */
  readonly file?: string;
  readonly release?: Release;
}

/** What a query is looked at for. */
export interface Purpose {
  /** False: the columns are enough, as for a description. */
  readonly rows: boolean;
  /** Each of them ends the reading. */
  readonly signals: readonly AbortSignal[];
}

/** Makes the tables of the declared connections visible to DuckDB under the names by which queries call them. */
export class SourceCatalog {
  private readonly ddl: OneAtATime;
  private readonly attached: AttachedFiles;
  private readonly scanned: ScannedTables;
  /** The body of the view that stands for a table, by the table's path in lower case. */
  private readonly views = new Map<string, string>();

  constructor(
    { database, ddl, files, tables }: EngineHost,
    private readonly finder: TableFinder,
  ) {
    this.ddl = ddl;
    this.attached = files;
    this.scanned = new ScannedTables(database, tables);
  }

  /**
   * Sees to it that `connection` can read each table by the name that the query gives it. Tables that DuckDB cannot read by
   * itself have their columns then, and no rows before these are loaded; those that never change have all of them.
   */
  async provide(
    connection: EngineConnection,
    references: readonly TableReference[],
    purpose: Purpose,
  ): Promise<ProvidedTables> {
    const names = new Map(
      references.map((reference) => this.finder.find(reference)).map((table) => [table.name, table]),
    );
    refuseTwoSpellings([...names.keys()]);
    const found = [...names.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
    const releases: Release[] = [];
    const scanned: ScannedTable[] = [];
    const files = new Set<string>();
    const release = async (): Promise<void> => {
      await Promise.allSettled(releases.splice(0).map((free) => free()));
    };
    try {
      for (const table of found) {
        const provided = await this.provideOne(connection, table, purpose);
        if (provided.release !== undefined) releases.push(provided.release);
        if (provided.scanned !== undefined) scanned.push(provided.scanned);
        if (provided.file !== undefined) files.add(provided.file);
      }
    } catch (error) {
      await release();
      throw error;
    }
    return {
      tables: found.map(({ name }) => name),
      columns: scanned.length === found.length ? scanned.map(({ standsFor }) => standsFor).join() : undefined,
      files,
      scanned,
      standIns: () => standInsFor(connection, found, scanned),
      load: async (reads) => {
        const loaded = await this.scanned.load(reads, purpose.signals);
        releases.push(...loaded.map((table) => table.release));
        for (const { table, name } of loaded) await this.stand(connection, table, name);
      },
      isHeld: () => releases.length > 0,
      release,
      explain: (error) => placed(error, found, connection, purpose.signals),
    };
  }

  private async provideOne(
    connection: EngineConnection,
    table: FoundTable,
    { rows, signals }: Purpose,
  ): Promise<ProvidedTable> {
    const relation: DuckDBRelation | undefined = table.source.relation;
    if (relation === undefined || relation.dialect !== DUCKDB_DIALECT) {
      const scanned = await this.scanned.provide(connection, table, { rows, signal: AbortSignal.any([...signals]) });
      await this.stand(connection, table, scanned.standsFor);
      // One view for all, and in it the table that this connection's query has: others may read another content.
      await this.view(connection, table, `from query_table(getvariable(${quoteText(variableOf(table))}))`);
      return { scanned };
    }
    try {
      if (relation.attach !== undefined) {
        const use = { ...relation.attach, name: table.connection, create: false, signals };
        return { file: use.path, release: (await this.attached.lease(use)).release };
      }
      const from = (await relation.pin?.((sql) => connection.read(sql))) ?? relation.from;
      await this.view(connection, table, `from ${from}`);
      return {};
    } catch (error) {
      throw unreadable(table, error);
    }
  }

  /** Lets one of the engine's own tables be what a query on this connection reads as this one. */
  private async stand(connection: EngineConnection, table: FoundTable, name: string): Promise<void> {
    await connection.execute(`set variable ${quoteIdentifier(variableOf(table))} = ${quoteText(name)}`);
  }

  private async view(connection: EngineConnection, table: FoundTable, body: string): Promise<void> {
    const path = pathOf(table);
    // `crm."sales.orders"` is the same table as `crm.sales.orders`, under another path.
    const key = JSON.stringify(path).toLowerCase();
    if (this.views.get(key) === body) return;
    await this.ddl.run(async () => {
      if (this.views.get(key) === body) return;
      for (const statement of namespaceOf(path)) await connection.execute(statement);
      await connection.read(`create or replace view ${path.map(quoteIdentifier).join(".")} as ${body}`);
      this.views.set(key, body);
    });
  }
}

function variableOf({ name }: FoundTable): string {
  return `millrace:${name.toLowerCase()}`;
}

function pathOf({ connection, segments }: FoundTable): readonly string[] {
  return [connection, ...segments];
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

async function placed(
  error: JobError,
  tables: readonly FoundTable[],
  connection: EngineConnection,
  signals: readonly AbortSignal[],
): Promise<JobError> {
  const bad = badValueIn(error.message);
  if (bad === undefined) return error;
  try {
    return await connection.interruptible(signals, async () => {
      for (const { source } of tables) {
        const relation: DuckDBRelation | undefined = source.relation;
        const place = await relation?.locate?.(bad, (sql) => connection.scan(sql));
        if (place !== undefined) return badValueError(bad, place, error);
      }
      return badValueError(bad, undefined, error);
    });
  } catch (failure) {
    // Nobody waits for the place any more.
    if (signals.some(({ aborted }) => aborted)) return error;
    throw failure;
  }
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
