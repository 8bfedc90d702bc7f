import type { Numbered } from "./run-statements.js";
import type { SqliteRunRow, StatementMaker } from "./statements.js";

export type ClaimStatements = ReturnType<typeof claimStatements>;

/** What stands in a line: where it comes among those of other lines. */
export interface Standing extends Numbered {
  readonly priority: number;
}

export interface LineRange {
  readonly from: string;
  readonly to: string;
}

/** The statements that find what may be claimed, and make runs ready. */
export function claimStatements(maker: StatementMaker) {
  const { db, sql } = maker;
  const at = <T>(name: string) => maker.at<T>(name);
  const ready = db.selectFrom("runs").where("queue", "=", sql.lit("ready"));
  const waiting = db.selectFrom("runs").where("queue", "=", sql.lit("waiting"));
  const parked = db.selectFrom("runs").where("queue", "=", sql.lit("parked"));
  const due = waiting.where("run_at", "<=", at<number>("now"));
  const neverStarted = db
    .selectFrom("runs")
    .where("queue", "is not", null)
    .where("started_at", "is", null)
    .where("start_deadline", "is not", null);
  const overdue = neverStarted.where("start_deadline", "<", at<number>("now"));
  const active = db.selectFrom("runs").where("lease_owner", "is not", null);
  const makeReady = db.updateTable("runs").set({ queue: sql.lit("ready"), parked_on: sql.lit(null) });
  const behind = (gate: "job_gate" | "key_gate") =>
    maker.prepare<{ readonly gate: string }, { readonly count: number }>(
      active.where(gate, "=", at<string>("gate")).select(({ fn }) => fn.countAll<number>().as("count")),
    );

  return {
    /** Whether there is anything for the statements that follow, at a tenth of their cost: mostly there is not. */
    passedTimes: maker.prepare<{ readonly now: number }, { readonly overdue: 0 | 1; readonly due: 0 | 1 }>(
      db.selectNoFrom((is) => [is.exists(overdue.select("seq")).as("overdue"), is.exists(due.select("seq")).as("due")]),
    ),
    overdueRuns: maker.prepare<{ readonly now: number; readonly limit: number; readonly skip: number }, Numbered>(
      overdue
        .select("seq")
        .orderBy("start_deadline")
        .orderBy("seq")
        .limit(maker.limit)
        .offset(maker.sql<number>`cast(@skip as integer)`),
    ),
    wakeRuns: maker.prepare<{ readonly now: number; readonly limit: number }, never>(
      makeReady.where("seq", "in", due.select("seq").orderBy("run_at").limit(maker.limit)),
    ),
    firstTimes: maker.prepare<
      { readonly now: number },
      { readonly run_at: number | null; readonly start_deadline: number | null }
    >(
      db.selectNoFrom([
        waiting
          .where("run_at", ">", at<number>("now"))
          .select(({ fn }) => fn.min("run_at").as("run_at"))
          .as("run_at"),
        neverStarted.select(({ fn }) => fn.min("start_deadline").as("start_deadline")).as("start_deadline"),
      ]),
    ),

    /** The lines of ready runs: a seek in their index for each. */
    readyLines: maker.bare<{ readonly connections: string }>(`
      with recursive lines(connections) as (
        select min("connections") from "runs" where "queue" = 'ready'
        union all
        select (select min("connections") from "runs" where "queue" = 'ready' and "connections" > lines.connections)
        from lines where lines.connections is not null
      )
      select connections from lines where connections is not null`),
    /** Of runs whose time has come, as far as no claim has made them ready yet. */
    dueLines: maker.prepare<{ readonly now: number; readonly limit: number }, { readonly connections: string }>(
      db
        .selectFrom(due.select("connections").orderBy("run_at").limit(maker.limit).as("due"))
        .select("connections")
        .distinct(),
    ),
    readyRuns: maker.prepare<{ readonly connections: string; readonly limit: number }, Standing>(
      ready
        .select(["seq", "priority"])
        .where("connections", "=", at<string>("connections"))
        .orderBy("priority", "desc")
        .orderBy("seq")
        .limit(maker.limit),
    ),

    behindJobGate: behind("job_gate"),
    behindKeyGate: behind("key_gate"),
    parkRun: maker.prepare<{ readonly seq: number; readonly line: string }, never>(
      db
        .updateTable("runs")
        .set({ queue: sql.lit("parked"), parked_on: at<string>("line") })
        .where("seq", "=", at<number>("seq")),
    ),
    /** The lines of parked runs between two texts. */
    parkedLines: maker.prepare<LineRange, { readonly line: string }>(`
      with recursive lines(line) as (
        select min("parked_on") from "runs" where "queue" = 'parked' and "parked_on" > @from and "parked_on" < @to
        union all
        select (select min("parked_on") from "runs"
          where "queue" = 'parked' and "parked_on" > lines.line and "parked_on" < @to)
        from lines where lines.line is not null
      )
      select line from lines where line is not null`),
    callFirst: maker.prepare<{ readonly line: string }, never>(
      makeReady.where(
        "seq",
        "=",
        parked
          .select("seq")
          .where("parked_on", "=", at<string>("line"))
          .orderBy("priority", "desc")
          .orderBy("seq")
          .limit(sql.lit(1)),
      ),
    ),

    leases: maker.bare<Pick<SqliteRunRow, "seq" | "connections" | "lease_expires_at" | "lease_session">>(
      // Any owner: without a bound on its first column SQLite would not use the index of those under way.
      active
        .select(["seq", "connections", "lease_expires_at", "lease_session"])
        .where("lease_owner", ">=", sql.lit("")),
    ),
    cancelRequests: maker.prepare<{ readonly owner: string }, Numbered>(
      active
        .select("seq")
        .where("lease_owner", "=", at<string>("owner"))
        .where("status", "=", sql.lit("running"))
        .where("cancel_request", "is not", null)
        .orderBy("seq"),
    ),

    insertSession: maker.prepare<{ readonly openedAt: number }, never>(
      db.insertInto("sessions").values({ opened_at: at("openedAt") }),
    ),
    session: maker.prepare<{ readonly id: number }, { readonly id: number }>(
      db.selectFrom("sessions").select("id").where("id", "=", at<number>("id")),
    ),
    deleteSession: maker.prepare<{ readonly id: number }, never>(
      db.deleteFrom("sessions").where("id", "=", at<number>("id")),
    ),
  };
}
