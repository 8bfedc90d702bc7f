import type { Database } from "better-sqlite3";
import type * as kyselyModule from "kysely";
import type { RawBuilder, Selectable } from "kysely";
import type { DefinitionTable, EventTable, LedgerSchema, RunTable, SessionTable } from "./ledger-schema.js";

export type RunRow = Selectable<RunTable>;
export type EventRow = Selectable<EventTable>;
/** A run's row with its definition; null when that was deleted by hand. */
export type FullRow = RunRow & { readonly [C in "definition" | "parameters"]: Selectable<DefinitionTable>[C] | null };
export type Numbered = Pick<RunRow, "seq">;

/** A prepared statement, as the ledger uses it; declared here because the driver's own type cannot be named in our declarations. */
export interface Prepared<Given extends object, Row> {
  run(given: Given): { readonly changes: number; readonly lastInsertRowid: number | bigint };
  get(given: Given): Row | undefined;
  all(given: Given): Row[];
  /** The SQL text. */
  readonly source: string;
}

/** A prepared statement without values. */
export interface BareStatement {
  run(): unknown;
  readonly source: string;
}

export interface Page {
  readonly before: number;
  readonly limit: number;
}

export interface Moment {
  readonly now: number;
  readonly limit: number;
}

/**
 * Every statement of the ledger, written with Kysely, compiled and prepared once: compiling and preparing at each call
 * would cost eight times what running a prepared statement costs. Values are bound by name.
 */
export type Statements = ReturnType<typeof prepareStatements>;

export function prepareStatements(database: Database, { Kysely, SqliteDialect, sql }: typeof kyselyModule) {
  const db = new Kysely<LedgerSchema>({ dialect: new SqliteDialect({ database }) });

  // The name of a bound value. Literals are for what partial indexes name: SQLite matches their text.
  const at = <T>(name: string): RawBuilder<T> => sql.raw<T>(`@${name}`);
  const prepare = <Given extends object, Row>(query: { compile(): { readonly sql: string } }): Prepared<Given, Row> =>
    database.prepare<[Given], Row>(query.compile().sql);

  const bare = (text: string): BareStatement => database.prepare(text);

  const fullRuns = db
    .selectFrom("runs")
    .leftJoin("run_definitions", "run_definitions.run_seq", "runs.seq")
    .selectAll("runs")
    .select(["run_definitions.definition", "run_definitions.parameters"]);
  const ready = db.selectFrom("runs").select("seq").where("queue", "=", sql.lit("ready"));
  const waiting = db.selectFrom("runs").where("queue", "=", sql.lit("waiting"));
  const due = waiting.select("seq").where("run_at", "<=", at<number>("now"));
  const overdue = db
    .selectFrom("runs")
    .select("seq")
    .where("queue", "is not", null)
    .where("started_at", "is", null)
    .where("start_deadline", "is not", null)
    .where("start_deadline", "<", at<number>("now"));
  const newestFirst = db
    .selectFrom("runs")
    .select("seq")
    .where("seq", "<", at<number>("before"))
    .orderBy("seq", "desc")
    .limit(at<number>("limit"));
  const ofJob = newestFirst.where("job_name", "=", at<string>("jobName"));
  const status = at<string>("status");

  return {
    insertRun: prepare<Omit<RunRow, "seq">, never>(
      db.insertInto("runs").values({
        id: at("id"),
        job_name: at("job_name"),
        definition_hash: at("definition_hash"),
        status: at("status"),
        attempt: at("attempt"),
        recoveries: at("recoveries"),
        priority: at("priority"),
        idempotency_key: at("idempotency_key"),
        run_at: at("run_at"),
        queue: at("queue"),
        start_deadline: at("start_deadline"),
        created_at: at("created_at"),
        epoch: at("epoch"),
        last_event_seq: at("last_event_seq"),
      }),
    ),
    insertDefinition: prepare<Selectable<DefinitionTable>, never>(
      db.insertInto("run_definitions").values({
        run_seq: at("run_seq"),
        definition: at("definition"),
        parameters: at("parameters"),
      }),
    ),
    insertEvent: prepare<EventRow, never>(
      db.insertInto("run_events").values({
        run_seq: at("run_seq"),
        seq: at("seq"),
        at: at("at"),
        attempt: at("attempt"),
        body: at("body"),
      }),
    ),

    runById: prepare<Pick<RunRow, "id">, FullRow>(fullRuns.where("id", "=", at<string>("id"))),
    runBySeq: prepare<Numbered, FullRow>(fullRuns.where("seq", "=", at<number>("seq"))),
    runByKey: prepare<{ readonly key: string }, FullRow>(fullRuns.where("idempotency_key", "=", at<string>("key"))),

    /** All that a step may change. The session stays that of the lease's taker. */
    updateRun: prepare<RunRow, never>(
      db
        .updateTable("runs")
        .set({
          status: at("status"),
          attempt: at("attempt"),
          recoveries: at("recoveries"),
          run_at: at("run_at"),
          queue: at("queue"),
          started_at: at("started_at"),
          finished_at: at("finished_at"),
          rows_written: at("rows_written"),
          snapshot_id: at("snapshot_id"),
          error: at("error"),
          cancel_request: at("cancel_request"),
          commit_id: at("commit_id"),
          lease_owner: at("lease_owner"),
          lease_expires_at: at("lease_expires_at"),
          lease_session: sql<number | null>`coalesce(${at("lease_session")}, lease_session)`,
          epoch: at("epoch"),
          last_event_seq: at("last_event_seq"),
        })
        .where("seq", "=", at<number>("seq")),
    ),

    /** Whether there is anything for the two statements that follow, at a tenth of their cost: mostly there is not. */
    passedTimes: prepare<{ readonly now: number }, { readonly overdue: 0 | 1; readonly due: 0 | 1 }>(
      db.selectNoFrom((is) => [is.exists(overdue).as("overdue"), is.exists(due).as("due")]),
    ),
    overdueRuns: prepare<Moment & { readonly skip: number }, Numbered>(
      overdue.orderBy("start_deadline").orderBy("seq").limit(at<number>("limit")).offset(at<number>("skip")),
    ),
    /** Of the runs whose time has come only those that a claim of `limit` runs could take: a burst is worked off bit by bit. */
    wakeRuns: prepare<Moment, never>(
      db
        .updateTable("runs")
        .set({ queue: sql.lit("ready") })
        .where("seq", "in", due.orderBy("priority", "desc").orderBy("seq").limit(at<number>("limit"))),
    ),
    readyRuns: prepare<{ readonly limit: number; readonly skip: number }, Numbered>(
      ready.orderBy("priority", "desc").orderBy("seq").limit(at<number>("limit")).offset(at<number>("skip")),
    ),
    nextRunAt: prepare<{ readonly now: number }, { readonly run_at: number | null }>(
      waiting.select(({ fn }) => fn.min("run_at").as("run_at")).where("run_at", ">", at<number>("now")),
    ),
    leases: prepare<object, Pick<RunRow, "seq" | "lease_expires_at" | "lease_session">>(
      db
        .selectFrom("runs")
        .select(["seq", "lease_expires_at", "lease_session"])
        .where("status", "in", [sql.lit("running"), sql.lit("committing")])
        .orderBy("seq"),
    ),

    page: prepare<Page, Numbered>(newestFirst),
    pageOfStatus: prepare<Page & { readonly status: string }, Numbered>(newestFirst.where("status", "=", status)),
    pageOfJob: prepare<Page & { readonly jobName: string }, Numbered>(ofJob),
    pageOfJobStatus: prepare<Page & { readonly jobName: string; readonly status: string }, Numbered>(
      ofJob.where("status", "=", status),
    ),

    events: prepare<{ readonly id: string; readonly after: number; readonly limit: number }, EventRow>(
      db
        .selectFrom("run_events")
        .innerJoin("runs", "runs.seq", "run_events.run_seq")
        .selectAll("run_events")
        .where("runs.id", "=", at<string>("id"))
        .where("run_events.seq", ">", at<number>("after"))
        .orderBy("run_events.seq")
        .limit(at<number>("limit")),
    ),

    finishedRuns: prepare<{ readonly before: number; readonly limit: number }, Numbered>(
      db
        .selectFrom("runs")
        .select("seq")
        .where("finished_at", "is not", null)
        .where("finished_at", "<", at<number>("before"))
        .orderBy("finished_at")
        .orderBy("seq")
        .limit(at<number>("limit")),
    ),
    deleteRun: prepare<Numbered, never>(db.deleteFrom("runs").where("seq", "=", at<number>("seq"))),
    deleteDefinition: prepare<Numbered, never>(
      db.deleteFrom("run_definitions").where("run_seq", "=", at<number>("seq")),
    ),
    deleteEvents: prepare<Numbered, never>(db.deleteFrom("run_events").where("run_seq", "=", at<number>("seq"))),

    insertSession: prepare<{ readonly openedAt: number }, never>(
      db.insertInto("ledger_sessions").values({ opened_at: at("openedAt") }),
    ),
    session: prepare<Pick<Selectable<SessionTable>, "id">, Pick<Selectable<SessionTable>, "id">>(
      db.selectFrom("ledger_sessions").select("id").where("id", "=", at<number>("id")),
    ),
    deleteSession: prepare<Pick<Selectable<SessionTable>, "id">, never>(
      db.deleteFrom("ledger_sessions").where("id", "=", at<number>("id")),
    ),

    begin: bare("begin"),
    beginImmediate: bare("begin immediate"),
    commit: bare("commit"),
    rollback: bare("rollback"),
    savepoint: bare("savepoint act"),
    release: bare("release act"),
    rollbackToSavepoint: bare("rollback to act"),
  };
}
