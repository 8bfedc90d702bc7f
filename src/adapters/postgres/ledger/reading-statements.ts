import type { RawBuilder } from "kysely";
import type { EventRow, FullRow, RunRow } from "../../sql/ledger-schema.js";
import type { Listed } from "../../sql/ledger/ledger-operations.js";
import type { StatementParts } from "./statement-parts.js";
import type { Range } from "../../sql/ledger/ledger-rows.js";
import type { Value } from "./statement.js";

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
  const merged = (
    value: Value<Range & Listed>,
    range: RawBuilder<unknown>,
    order: RawBuilder<unknown>,
    also = sql``,
  ): RawBuilder<unknown> => {
    const statuses = value("statuses", "text[]");
    const limit = sql`limit ${value("limit", "bigint")}`;
    return sql`select ${full} from (
        (select s.seq from unnest(${value("listed", "text[]")}) as l(listed) cross join lateral (
          select seq from ${runs} where listed_as <> 'active' and ${range} order by ${order} ${limit}) s)
        union all
        (select seq from ${runs}
          where lease_owner is not null and seq < ${value("before", "bigint")}
            and (${statuses} is null or status = any (${statuses})) ${also}
          order by seq + 0 desc ${limit})
        order by seq desc ${limit}) p
      cross join lateral (select ${row} from ${runs} where seq = p.seq) r ${withDefinition} order by r.seq desc`;
  };

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
    /** Runs of some kinds, merged; those under way are sorted, being few. */
    pageOfListed: define<Range & Listed, FullRow>(
      // The row comparison leaves the index that begins with these columns as the only one in order.
      (value) =>
        merged(
          value,
          sql`(listed_as, seq) < (l.listed, ${value("before", "bigint")}) and listed_as >= l.listed`,
          sql`listed_as desc, seq desc`,
        ),
    ),
    pageOfJobListed: define<Range & Listed & { readonly job: string }, FullRow>((value) => {
      const job = value("job", "text");
      return merged(
        value,
        sql`(job_name, listed_as, seq) < (${job}, l.listed, ${value("before", "bigint")})
          and (job_name, listed_as) >= (${job}, l.listed)`,
        sql`job_name desc, listed_as desc, seq desc`,
        sql`and job_name = ${job}`,
      );
    }),
    events: define<{ readonly id: string; readonly after: number; readonly limit: number }, EventRow>(
      (value) => sql`select e.* from (select seq from ${runs} where id = ${value("id", "text")}) r
        cross join lateral (
          select run_seq, seq, at, attempt, body from ${events}
          where run_seq = r.seq and seq > ${value("after", "bigint")}
          order by run_seq, seq limit ${value("limit", "bigint")}) e order by e.seq`,
    ),
  };
}
