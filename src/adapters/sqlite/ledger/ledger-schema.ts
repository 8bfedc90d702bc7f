import type { Generated } from "kysely";

/**
 * A run's row: small, because each step of a run writes it anew. Times are milliseconds since 1970 UTC; `seq` numbers the
 * runs in the order of their making and is never used twice.
 */
export interface RunTable {
  seq: Generated<number>;
  id: string;
  job_name: string;
  definition_hash: string;
  status: string;
  attempt: number;
  recoveries: number;
  priority: number;
  /** JSON text, as `error` and `cancel_request`: SQLite's UTF-8 would change a lone surrogate. */
  idempotency_key: string | null;
  run_at: number | null;
  /** Where a pending run stands: `waiting` for its `run_at`, or `ready`, which a claim makes it. Null for any other. */
  queue: "ready" | "waiting" | null;
  start_deadline: number | null;
  created_at: number;
  started_at: number | null;
  finished_at: number | null;
  rows_written: number | null;
  snapshot_id: string | null;
  error: string | null;
  cancel_request: string | null;
  commit_id: string | null;
  lease_owner: string | null;
  lease_expires_at: number | null;
  /** The session through which the lease was taken; see `OwnerSessions`. */
  lease_session: number | null;
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

export interface SessionTable {
  id: Generated<number>;
  opened_at: number;
}

export interface LedgerSchema {
  runs: RunTable;
  run_definitions: DefinitionTable;
  run_events: EventTable;
  ledger_sessions: SessionTable;
}
