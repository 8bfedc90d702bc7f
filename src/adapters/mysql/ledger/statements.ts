import type * as Kysely from "kysely";
import { findingStatements } from "./finding-statements.js";
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
  return {
    ...findingStatements(parts),
    ...readingStatements(parts),
    ...writingStatements(parts),
    ...scheduleStatements(parts),
  };
}
