import type * as Kysely from "kysely";
import { claimingStatements } from "./claiming-statements.js";
import { gateStatements } from "./gate-statements.js";
import type { LedgerPlace } from "./ledger-place.js";
import { readingStatements } from "./reading-statements.js";
import { scheduleStatements } from "./schedule-statements.js";
import { statementParts } from "./statement-parts.js";
import { writingStatements } from "./writing-statements.js";

/** Every statement of a ledger. */
export type Statements = ReturnType<typeof ledgerStatements>;

/** @param offsetMs what is added to the database's time. */
export function ledgerStatements(kysely: typeof Kysely, place: LedgerPlace, offsetMs: number) {
  const parts = statementParts(kysely, place, offsetMs);
  const { sql, define, runs, definitions, events, clock } = parts;
  return {
    ...writingStatements(parts),
    ...claimingStatements(parts),
    ...gateStatements(parts),
    ...readingStatements(parts),
    ...scheduleStatements(parts),

    notify: define<{ readonly channel: string; readonly payload: string }, object>(
      (value) => sql`select pg_notify(${value("channel", "text")}, ${value("payload", "text")})`,
    ),

    /** The oldest ends of some kinds; gives one row for each run that is gone. */
    prune: define<
      { readonly statuses: readonly string[]; readonly olderThanMs: number; readonly limit: number },
      object
    >(
      (value) => sql`with old as materialized (
          select r.seq from unnest(${value("statuses", "text[]")}) as s(listed_as)
          cross join lateral (
            select seq, finished_at from ${runs} r
            where finished_at is not null and listed_as = s.listed_as
              and finished_at < (select ${clock} - ${value("olderThanMs", "bigint")})
              and not exists (select from ${runs} redriven where redriven.id = r.redrive_of)
            order by listed_as, finished_at, seq limit ${value("limit", "bigint")} for update skip locked) r
          order by r.finished_at, r.seq limit ${value("limit", "bigint")}),
        gone_events as (delete from ${events} e using old where e.run_seq = old.seq),
        gone_definitions as (delete from ${definitions} d using old where d.run_seq = old.seq)
        delete from ${runs} r using old where r.seq = old.seq returning r.seq`,
    ),
  };
}
