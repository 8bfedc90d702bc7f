import type { Generated, Selectable } from "kysely";

/**
 * A run's row: small, because each step of a run writes it anew. Times are milliseconds since 1970 UTC; `seq` numbers the
 * runs in the order of their making and is never used twice. What is JSON text may hold any text at all: UTF-8 would change
 * a lone surrogate, and Postgres refuses NUL.
 */
export interface RunTable {
  seq: Generated<number>;
  id: string;
  job_name: string;
  definition_hash: string;
  status: string;
  /** The status for pages, `active` for `running` and `committing`: so that the commit point touches no index. */
  listed_as: "pending" | "active" | "succeeded" | "failed" | "cancelled";
  attempt: number;
  recoveries: number;
  priority: number;
  /** JSON text. */
  idempotency_key: string | null;
  /** JSON text: the connections needed, in order. Runs that need the same ones stand in one line. */
  connections: string;
  /** JSON text. */
  concurrency_key: string | null;
  /** JSON text of the names of the run's gates, see `gatesOf`; null where it has no such gate. */
  job_gate: string | null;
  key_gate: string | null;
  redrive_of: string | null;
  run_at: number | null;
  /**
   * Where a pending run stands: `waiting` for its `run_at`; `ready`; or `parked`, because a claim found the gate
   * `parked_on` full: who leaves that gate makes one of them ready again. Null for any other run.
   */
  queue: "ready" | "waiting" | "parked" | null;
  parked_on: string | null;
  start_deadline: number | null;
  created_at: number;
  started_at: number | null;
  finished_at: number | null;
  rows_written: number | null;
  /** JSON text, as `error` and `cancel_request`. */
  snapshot_id: string | null;
  error: string | null;
  cancel_request: string | null;
  commit_id: string | null;
  lease_owner: string | null;
  lease_expires_at: number | null;
  epoch: number;
  last_event_seq: number;
}

/** What a run carries and never changes, apart from its row for its size. JSON text. */
export interface DefinitionTable {
  run_seq: number;
  definition: string;
  parameters: string;
}

export interface EventTable {
  run_seq: number;
  seq: number;
  at: number;
  attempt: number;
  /** JSON text of the event without the columns above. */
  body: string;
}

/** Ids and keys are `sortableText`. The columns are what is searched and compared. */
export interface ScheduleTable {
  id: string;
  version: number;
  state: string;
  due_at: number | null;
  /** JSON text of the whole, as in the tables below. */
  body: string;
}

export interface OccurrenceTable {
  occurrence_key: string;
  schedule_id: string;
  nominal_at: number;
  state: string;
  /** As `RunTable.id`. */
  run_id: string | null;
  ended_at: number | null;
  body: string;
}

export interface BackfillTable {
  id: string;
  schedule_id: string;
  version: number;
  created_at: number;
  ended_at: number | null;
  body: string;
}

export type RunRow = Selectable<RunTable>;
export type DefinitionRow = Selectable<DefinitionTable>;
export type EventRow = Selectable<EventTable>;
export type ScheduleRow = Readonly<ScheduleTable>;
export type OccurrenceRow = Readonly<OccurrenceTable>;
export type BackfillRow = Readonly<BackfillTable>;
/** A run's row with its definition; null when that was deleted by hand. */
export type FullRow = RunRow & { readonly [C in "definition" | "parameters"]: DefinitionRow[C] | null };

/** The names of the ledger's tables behind a prefix, by what they hold. */
export interface LedgerTables {
  readonly runs: string;
  readonly definitions: string;
  readonly events: string;
  readonly schedules: string;
  readonly occurrences: string;
  readonly backfills: string;
  readonly migrations: string;
}

export function ledgerTables(prefix: string): LedgerTables {
  return {
    runs: `${prefix}runs`,
    definitions: `${prefix}run_definitions`,
    events: `${prefix}run_events`,
    schedules: `${prefix}schedules`,
    occurrences: `${prefix}occurrences`,
    backfills: `${prefix}backfills`,
    migrations: `${prefix}migrations`,
  };
}
