import type { EventRow, FullRow, RunRow } from "../../sql/ledger-schema.js";
import type { StatementParts } from "./statement-parts.js";
import type { Range } from "./statement-rows.js";

/** What answers questions. */
export function readingStatements({
  sql,
  define,
  runs,
  events,
  clock,
  row,
  full,
  withDefinition,
  overdue,
}: StatementParts) {
  return {
    cancelRequests: define<{ readonly owner: string }, Pick<RunRow, "id" | "epoch" | "cancel_request">>(
      (value) => sql`select id, epoch, cancel_request from ${runs}
        where lease_owner = ${value("owner", "text")} and status = 'running' and cancel_request is not null
        order by seq`,
    ),
    nextDue: define<object, { readonly at: number | null }>(
      () => sql`with moment as materialized (select ${clock} as now)
        select least(
          (select run_at from ${runs} where queue = 'waiting' and run_at > (select now from moment)
            order by run_at limit 1),
          (select start_deadline from ${runs} where ${overdue} and start_deadline >= (select now from moment)
            order by start_deadline limit 1)) as at
        from moment`,
    ),

    page: define<Range, FullRow>(
      (value) => sql`select ${full} from (
          select ${row} from ${runs} where seq < ${value("before", "bigint")}
          order by seq desc limit ${value("limit", "bigint")}) r ${withDefinition} order by r.seq desc`,
    ),
    pageOfJob: define<Range & { readonly job: string }, FullRow>(
      // The row comparison leaves the index that begins with these columns as the only one in order.
      (value) => sql`select ${full} from (
          select ${row} from ${runs}
          where (job_name, seq) < (${value("job", "text")}, ${value("before", "bigint")})
            and job_name >= ${value("job", "text")}
          order by job_name desc, seq desc limit ${value("limit", "bigint")}) r ${withDefinition} order by r.seq desc`,
    ),
    pageOfListed: define<Range & { readonly listed: string; readonly statuses: readonly string[] }, FullRow>(
      (value) => sql`select ${full} from (
          select ${row} from ${runs}
          where (listed_as, seq) < (${value("listed", "text")}, ${value("before", "bigint")})
            and listed_as >= ${value("listed", "text")} and status = any (${value("statuses", "text[]")})
          order by listed_as desc, seq desc limit ${value("limit", "bigint")}) r ${withDefinition} order by r.seq desc`,
    ),
    pageOfJobListed: define<
      Range & { readonly job: string; readonly listed: string; readonly statuses: readonly string[] },
      FullRow
    >(
      (value) => sql`select ${full} from (
          select ${row} from ${runs}
          where (job_name, listed_as, seq) < (${value("job", "text")}, ${value("listed", "text")}, ${value("before", "bigint")})
            and (job_name, listed_as) >= (${value("job", "text")}, ${value("listed", "text")})
            and status = any (${value("statuses", "text[]")})
          order by job_name desc, listed_as desc, seq desc limit ${value("limit", "bigint")}) r
        ${withDefinition} order by r.seq desc`,
    ),
    events: define<{ readonly id: string; readonly after: number; readonly limit: number }, EventRow>(
      (value) => sql`select e.* from (select seq from ${runs} where id = ${value("id", "text")}) r
        cross join lateral (
          select run_seq, seq, at, attempt, body from ${events}
          where run_seq = r.seq and seq > ${value("after", "bigint")}
          order by run_seq, seq limit ${value("limit", "bigint")}) e order by e.seq`,
    ),
  };
}
