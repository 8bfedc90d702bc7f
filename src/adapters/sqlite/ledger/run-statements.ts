import type { DefinitionRow, EventRow, FullRow, RunRow } from "../../sql/ledger-schema.js";
import type { NewRunRow } from "../../sql/run-rows.js";
import type { StatementMaker, WrittenRow } from "./statements.js";

export interface Numbered {
  readonly seq: number;
}

export interface Page {
  readonly before: number;
  readonly limit: number;
}

/** What the end of an attempt or of a run changes. */
const LEFT = [
  ...["status", "listed_as", "recoveries", "finished_at", "rows_written", "snapshot_id", "error"],
  ...["cancel_request", "commit_id", "lease_owner", "lease_expires_at", "last_event_seq"],
] as const satisfies readonly (keyof WrittenRow)[];

export type RunStatements = ReturnType<typeof runStatements>;

/** The statements that read and write runs, their definitions and logs. */
export function runStatements(maker: StatementMaker) {
  const { db } = maker;
  const at = <T>(name: string) => maker.at<T>(name);
  const fullRuns = db
    .selectFrom("runs")
    .leftJoin("run_definitions", "run_definitions.run_seq", "runs.seq")
    .selectAll("runs")
    .select(["run_definitions.definition", "run_definitions.parameters"]);
  const newestFirst = db
    .selectFrom("runs")
    .select("seq")
    .where("seq", "<", at<number>("before"))
    .orderBy("seq", "desc")
    .limit(maker.limit);
  const ofJob = newestFirst.where("job_name", "=", at<string>("jobName"));
  const listed = (query: typeof newestFirst) =>
    query.where("listed_as", "=", at<RunRow["listed_as"]>("status")).where("listed_as", "<>", maker.sql.lit("active"));

  return {
    insertRun: maker.insert<NewRunRow>(
      "runs",
      [
        ...(["id", "job_name", "definition_hash", "status", "listed_as", "attempt", "recoveries", "priority"] as const),
        ...(["idempotency_key", "connections", "concurrency_key", "job_gate", "key_gate", "redrive_of"] as const),
        ...(["run_at", "queue", "start_deadline", "created_at", "epoch", "last_event_seq"] as const),
      ],
      'on conflict ("id") do nothing',
    ),
    insertDefinition: maker.insert<DefinitionRow>("run_definitions", ["run_seq", "definition", "parameters"]),
    insertEvent: maker.insert<EventRow>("run_events", ["run_seq", "seq", "at", "attempt", "body"]),

    runById: maker.prepare<{ readonly id: string }, FullRow>(fullRuns.where("id", "=", at<string>("id"))),
    runBySeq: maker.prepare<Numbered, FullRow>(fullRuns.where("seq", "=", at<number>("seq"))),
    runByKey: maker.prepare<{ readonly key: string }, FullRow>(
      fullRuns.where("idempotency_key", "=", at<string>("key")),
    ),

    // Each kind of step writes what it may change and nothing else: SQLite renews the entries of every index over a
    // column that is written, also when the value is the same.
    /** A claim. */
    startRun: maker.update([
      ...(["status", "listed_as", "attempt", "queue", "parked_on", "started_at", "error"] as const),
      ...(["lease_owner", "lease_expires_at", "lease_session", "epoch", "last_event_seq"] as const),
    ]),
    takeOverRun: maker.update(["lease_owner", "lease_expires_at", "lease_session", "epoch", "last_event_seq"]),
    /** What happens to a run under way; in no index. */
    keepRun: maker.update([
      ...(["status", "recoveries", "rows_written", "snapshot_id", "error", "cancel_request", "commit_id"] as const),
      ...(["lease_expires_at", "last_event_seq"] as const),
    ]),
    /** A run under way ends. */
    endRun: maker.update(LEFT),
    /** A pending run ends, or a run becomes pending again. */
    moveRun: maker.update([...LEFT, "attempt", "run_at", "queue", "parked_on"]),

    page: maker.prepare<Page, Numbered>(newestFirst),
    pageOfStatus: maker.prepare<Page & { readonly status: string }, Numbered>(listed(newestFirst)),
    pageOfJob: maker.prepare<Page & { readonly jobName: string }, Numbered>(ofJob),
    pageOfJobStatus: maker.prepare<Page & { readonly status: string; readonly jobName: string }, Numbered>(
      listed(ofJob),
    ),
    /** Of those under way. The signs keep SQLite from going through all runs in their order. */
    pageOfActive: maker.prepare<Page & { readonly status: string; readonly jobName: string | null }, Numbered>(`
      select "seq" from "runs"
      where "lease_owner" >= '' and "status" = @status and +"seq" < @before and "job_name" = coalesce(@jobName, "job_name")
      order by +"seq" desc limit cast(@limit as integer)`),

    events: maker.prepare<{ readonly id: string; readonly after: number; readonly limit: number }, EventRow>(
      db
        .selectFrom("run_events")
        .innerJoin("runs", "runs.seq", "run_events.run_seq")
        .selectAll("run_events")
        .where("runs.id", "=", at<string>("id"))
        .where("run_events.seq", ">", at<number>("after"))
        .orderBy("run_events.seq")
        .limit(maker.limit),
    ),

    finishedRuns: maker.prepare<
      { readonly status: string; readonly before: number; readonly limit: number },
      Numbered & { readonly finished_at: number }
    >(
      db
        .selectFrom("runs")
        .select(["seq", "finished_at"])
        .where("listed_as", "=", at<RunRow["listed_as"]>("status"))
        .where("finished_at", "is not", null)
        .where("finished_at", "<", at<number>("before"))
        .where((is) =>
          is.not(
            is.exists(is.selectFrom("runs as redriven").select("seq").whereRef("redriven.id", "=", "runs.redrive_of")),
          ),
        )
        .orderBy("finished_at")
        .orderBy("seq")
        .limit(maker.limit),
    ),
    deleteRun: maker.prepare<Numbered, never>(db.deleteFrom("runs").where("seq", "=", at<number>("seq"))),
    deleteDefinition: maker.prepare<Numbered, never>(
      db.deleteFrom("run_definitions").where("run_seq", "=", at<number>("seq")),
    ),
    deleteEvents: maker.prepare<Numbered, never>(db.deleteFrom("run_events").where("run_seq", "=", at<number>("seq"))),
  };
}
