import type { Database } from "better-sqlite3";
import type * as kyselyModule from "kysely";
import type { Compilable, Kysely, RawBuilder, Selectable } from "kysely";
import type {
  BackfillTable,
  DefinitionTable,
  EventTable,
  OccurrenceTable,
  RunTable,
  ScheduleTable,
} from "../../sql/ledger-schema.js";
import type { StepRow } from "../../sql/run-rows.js";

export interface SqliteRunTable extends RunTable {
  /** Through which session the lease was taken, see `OwnerSessions`; null where owners have none. */
  lease_session: number | null;
}

/** The tables by their names without the prefix. */
interface SqliteLedger {
  runs: SqliteRunTable;
  run_definitions: DefinitionTable;
  run_events: EventTable;
  schedules: ScheduleTable;
  occurrences: OccurrenceTable;
  backfills: BackfillTable;
  sessions: { id: kyselyModule.Generated<number>; opened_at: number };
}

/** What a step writes. */
export type WrittenRow = StepRow & Pick<SqliteRunRow, "lease_session">;

/** What of a run's row a step was computed from. */
export type RowBefore = Pick<SqliteRunRow, "seq" | "status" | "epoch" | "last_event_seq">;

export type SqliteRunRow = Selectable<SqliteRunTable>;

/** A prepared statement, as the ledger uses it; declared here because the driver's own type cannot be named in our declarations. */
export interface Prepared<Given extends readonly unknown[], Row> {
  run(...given: Given): { readonly changes: number; readonly lastInsertRowid: number | bigint };
  get(...given: Given): Row | undefined;
  all(...given: Given): Row[];
  /** Row by row; nothing can be written meanwhile. */
  iterate(...given: Given): IterableIterator<Row>;
  /** The SQL text. */
  readonly source: string;
}

/** A prepared statement that writes a row. */
export interface RowWriter<Row> {
  write(row: Row): { readonly changes: number; readonly lastInsertRowid: number | bigint };
  readonly source: string;
}

/** A prepared statement that changes a row. */
export interface RowChanger<Row> {
  /** False: the row is not as it was before, and stays as it is. */
  change(row: Row, before: RowBefore): boolean;
  readonly source: string;
}

/**
 * Writes the statements of a ledger with Kysely, and compiles and prepares each once: doing it at each call would cost
 * eight times what running a prepared statement costs.
 */
export class StatementMaker {
  readonly db: Kysely<SqliteLedger>;
  readonly sql: typeof kyselyModule.sql;

  constructor(
    private readonly database: Database,
    private readonly prefix: string,
    { Kysely, SqliteDialect, sql }: typeof kyselyModule,
  ) {
    this.db = new Kysely<SqliteLedger>({ dialect: new SqliteDialect({ database }) });
    this.sql = sql;
  }

  /** The name of a bound value. Literals are for what partial indexes name: SQLite matches their text. */
  at<T>(name: string): RawBuilder<T> {
    return this.sql.raw<T>(`@${name}`);
  }

  /** The bound value `limit`. The cast hides it from the planner, which would plan the statement anew for each number. */
  get limit(): RawBuilder<number> {
    return this.sql`cast(@limit as integer)`;
  }

  /** A statement whose values are bound by name. */
  prepare<Given extends object, Row>(query: Compilable | string): Prepared<[given: Given], Row> {
    return this.#prepared(query);
  }

  /** A statement without values. */
  bare<Row = never>(query: Compilable | string): Prepared<[], Row> {
    return this.#prepared(query);
  }

  insert<Row>(table: keyof SqliteLedger, columns: readonly (keyof Row & string)[], ending = ""): RowWriter<Row> {
    const names = columns.map((column) => `"${column}"`).join(", ");
    const places = columns.map(() => "?").join(", ");
    const text = `insert into "${table}" (${names}) values (${places}) ${ending}`;
    // By their places: binding thirty values by name takes twice as long.
    const statement = this.#prepared<unknown[], never>(text);
    return { source: statement.source, write: (row) => statement.run(...columns.map((column) => row[column])) };
  }

  /** Writes these columns of a row of `runs`; the others stay. */
  update(columns: readonly (keyof WrittenRow)[]): RowChanger<WrittenRow> {
    const places = columns.map((column) => `"${column}" = ?`).join(", ");
    const asBefore = '"seq" = ? and "status" = ? and "epoch" = ? and "last_event_seq" = ?';
    const statement = this.#prepared<unknown[], never>(`update "runs" set ${places} where ${asBefore}`);
    return {
      source: statement.source,
      change: (row, { seq, status, epoch, last_event_seq }) => {
        const values = columns.map((column) => row[column]);
        return statement.run(...values, seq, status, epoch, last_event_seq).changes > 0;
      },
    };
  }

  #prepared<Given extends unknown[], Row>(query: Compilable | string): Prepared<Given, Row> {
    const text = typeof query === "string" ? query : query.compile().sql;
    const named = text.replaceAll(TABLES, `"${this.prefix}$1"`);
    // A connection of the host's may be set to give integers as bigint.
    return this.database.prepare<Given, Row>(named).safeIntegers(false);
  }
}

const TABLES = /"(runs|run_definitions|run_events|schedules|occurrences|backfills|sessions)"/g;
