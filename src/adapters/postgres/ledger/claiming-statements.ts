import type { FullRow, RunRow } from "../../sql/ledger-schema.js";
import type { StatementParts } from "./statement-parts.js";
import type { Now, TimedRow } from "../../sql/ledger/ledger-rows.js";

/** What finds and locks the runs that acts are about. */
export function claimingStatements({ sql, define, runs, clock, row, full, withDefinition, overdue }: StatementParts) {
  // One seek in the index for each.
  const lines = sql`with recursive line(connections) as (
      (select connections from ${runs} where queue = 'ready' order by connections limit 1)
      union all
      select (select connections from ${runs} where queue = 'ready' and connections > line.connections
        order by connections limit 1)
      from line where line.connections is not null)
    select connections from line where connections is not null`;

  return {
    /** Locks runs in the order of `ids`, and then says what time it is. */
    lockRuns: define<{ readonly ids: readonly string[] }, TimedRow>(
      (value) => sql`select ${full}, ${clock} as now from unnest(${value("ids", "text[]")}) as i(id)
        cross join lateral (select ${row} from ${runs} where id = i.id for update) r ${withDefinition}`,
    ),
    lockRunsBySeq: define<{ readonly seqs: readonly number[] }, TimedRow>(
      (value) => sql`select ${full}, ${clock} as now from unnest(${value("seqs", "bigint[]")}) as i(seq)
        cross join lateral (
          select ${row} from ${runs} where seq = i.seq and lease_owner is not null for update skip locked) r
        ${withDefinition}`,
    ),
    runById: define<{ readonly id: string }, FullRow>(
      (value) =>
        sql`select ${full} from (select ${row} from ${runs} where id = ${value("id", "text")}) r ${withDefinition}`,
    ),
    runsByKey: define<{ readonly keys: readonly string[] }, FullRow>(
      (value) => sql`select ${full} from unnest(${value("keys", "text[]")}) as k(idempotency_key)
        cross join lateral (select ${row} from ${runs}
          where idempotency_key is not null and idempotency_key = k.idempotency_key) r ${withDefinition}`,
    ),
    takenIds: define<{ readonly ids: readonly string[] }, Pick<RunRow, "id">>(
      (value) => sql`select r.id from unnest(${value("ids", "text[]")}) as i(id)
        cross join lateral (select id from ${runs} where id = i.id) r`,
    ),

    /**
     * What time it is, whether there is anything for the two statements that follow, mostly there is not, and the lines of
     * `readyLines` as a JSON array.
     */
    look: define<object, Now & { readonly overdue: boolean; readonly due: boolean; readonly lines: string }>(
      () => sql`with moment as materialized (select ${clock} as now)
        select now,
          exists (select from ${runs} where ${overdue} and start_deadline < (select now from moment)) as overdue,
          exists (select from ${runs} where queue = 'waiting' and run_at <= (select now from moment)) as due,
          (select coalesce(json_agg(connections), '[]') from (${lines}) ready) as lines
        from moment`,
    ),
    overdueRuns: define<
      { readonly before: number; readonly limit: number; readonly except: readonly number[] },
      TimedRow
    >(
      (value) => sql`select ${full}, ${clock} as now from (
          select ${row} from ${runs}
          where ${overdue} and start_deadline < ${value("before", "bigint")} and seq <> all (${value("except", "bigint[]")})
          order by start_deadline, seq limit ${value("limit", "bigint")} for update skip locked) r ${withDefinition}`,
    ),
    wakeRuns: define<Now & { readonly limit: number }, object>(
      (value) => sql`update ${runs} r set queue = 'ready' from (
          select seq from ${runs} where queue = 'waiting' and run_at <= ${value("now", "bigint")}
          order by run_at, priority desc, seq limit ${value("limit", "bigint")} for update skip locked) due
        where r.seq = due.seq`,
    ),
    /** Every combination of connections that ready runs need. */
    readyLines: define<object, Pick<RunRow, "connections">>(() => lines),
    /** The lines of the first runs whose time has come and that no claim has made ready yet. */
    dueLines: define<{ readonly limit: number }, Pick<RunRow, "connections">>(
      (value) => sql`select distinct connections from (
          select connections from ${runs} where queue = 'waiting' and run_at <= (select ${clock})
          order by run_at limit ${value("limit", "bigint")}) due`,
    ),
    /** The first ready runs of each line, locked, and then what time it is; what others have locked, others take. */
    readyRuns: define<
      { readonly lines: readonly string[]; readonly limit: number; readonly except: readonly number[] },
      TimedRow
    >(
      (value) => sql`select ${full}, ${clock} as now from unnest(${value("lines", "text[]")}) as line(connections)
        cross join lateral (
          select ${row} from ${runs}
          where queue = 'ready' and connections = line.connections and seq <> all (${value("except", "bigint[]")})
          order by priority desc, seq limit ${value("limit", "bigint")} for update skip locked) r ${withDefinition}`,
    ),

    expiredLeases: define<object, Pick<RunRow, "seq" | "connections">>(
      () => sql`select seq, connections from ${runs}
        where lease_owner is not null and lease_expires_at <= (select ${clock})`,
    ),
  };
}
