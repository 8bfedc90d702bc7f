import type { RawBuilder } from "kysely";
import type { Range } from "../../sql/ledger/ledger-rows.js";
import type { Listed } from "../../sql/ledger/ledger-operations.js";
import type { EventRow, FullRow, RunRow } from "../../sql/ledger-schema.js";
import type { Numbered } from "./finding-statements.js";
import type { StatementParts } from "./statement-parts.js";
import { TEXT, type Values } from "./statement.js";

/** How many kinds of statuses are listed apart. */
export const LISTS = 4;

type Pages = Range & Pick<Listed, "statuses"> & Numbered<"listed">;

/** What answers questions. */
export function readingStatements(parts: StatementParts) {
  const { sql, define, runs, bySeq, byId, events, announcements, began, full } = parts;
  // A list for each kind, merged; those under way are sorted, being few.
  const merged = (values: Values<Pages>, ofJob: RawBuilder<unknown>, index: string): RawBuilder<unknown> => {
    const { one, list } = values;
    const range = sql`seq < ${one("before")} ${ofJob}`;
    const limit = sql`order by seq desc limit ${one("limit")}`;
    const lists = Array.from(
      { length: LISTS },
      (_, at) => sql`(select seq from ${runs} force index (${sql.raw(index)})
        where listed_as = ${one(`listed${at}`)} and ${range} ${limit})`,
    );
    return sql`select ${full} from (
        select seq from (
          ${sql.join(lists, sql` union all `)} union all
          (select seq from ${runs} force index (active)
            where lease_owner is not null and ${range}
              and (${one("statuses")} is null or status in (select value from ${list("statuses", TEXT, "s")}))
            ${limit})) found
        ${limit}) p
      straight_join ${bySeq} on r.seq = p.seq order by r.seq desc`;
  };

  return {
    cancelRequests: define<{ readonly owner: string }, Pick<RunRow, "id" | "epoch" | "cancel_request">>(
      ({ one }) => sql`select id, epoch, cancel_request from ${runs} force index (active)
        where lease_owner = ${one("owner")} and status = 'running' and cancel_request is not null
        order by seq`,
    ),
    nextDue: define<object, { readonly run_at: number | null; readonly start_deadline: number | null }>(
      () => sql`select
        (select waiting_at from ${runs} force index (waiting) where waiting_at > ${began} order by waiting_at limit 1) as run_at,
        (select deadline_at from ${runs} force index (deadline) where deadline_at >= ${began} order by deadline_at limit 1) as start_deadline`,
    ),
    page: define<Range, FullRow>(
      ({ one }) => sql`select ${full} from ${runs} r where seq < ${one("before")}
        order by seq desc limit ${one("limit")}`,
    ),
    pageOfListed: define<Pages, FullRow>((values) => merged(values, sql``, "listed")),
    pageOfJobListed: define<Pages & { readonly job: string }, FullRow>((values) =>
      merged(values, sql`and job_name = ${values.one("job")}`, "job"),
    ),
    events: define<{ readonly id: string; readonly after: number; readonly limit: number }, EventRow>(
      ({ one }) => sql`select straight_join e.run_seq, e.seq, e.at, e.attempt, e.body
        from ${runs} r straight_join ${events} e force index (primary) on e.run_seq = r.seq
        where r.id = ${one("id")} and e.seq > ${one("after")} order by e.seq limit ${one("limit")}`,
    ),
    announcements: define<
      { readonly own: string },
      { readonly origin: string; readonly number: number; readonly payload: string }
    >(({ one }) => sql`select origin, number, payload from ${announcements} where origin <> ${one("own")}`),
    storedIds: define<{ readonly ids: readonly string[] }, Pick<RunRow, "id">>(
      ({ list }) => sql`select straight_join r.id
        from ${list("ids", TEXT, "i")} straight_join ${byId} on r.id = i.value`,
    ),
  };
}
