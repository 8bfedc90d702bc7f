import type { DefinitionRow, EventRow, FullRow, RunRow } from "../ledger-schema.js";

/** Rows of a table, column by column: what one statement takes for any number of rows. */
export type Columns<Row, C extends keyof Row> = { readonly [K in C]: readonly Row[K][] };

/** What a step may change in a run's row, and the type of each. */
export const CHANGING = {
  status: "text",
  listed_as: "text",
  attempt: "bigint",
  recoveries: "bigint",
  run_at: "bigint",
  queue: "text",
  parked_on: "text",
  started_at: "bigint",
  finished_at: "bigint",
  rows_written: "bigint",
  snapshot_id: "text",
  error: "text",
  cancel_request: "text",
  commit_id: "text",
  lease_owner: "text",
  lease_expires_at: "bigint",
  epoch: "bigint",
  last_event_seq: "bigint",
} as const satisfies Partial<Record<keyof RunRow, string>>;

/** What a submission gives; the rest of its row is the same for all, or the server's. */
export const SUBMITTED = {
  id: "text",
  job_name: "text",
  definition_hash: "text",
  priority: "double precision",
  idempotency_key: "text",
  connections: "text",
  concurrency_key: "text",
  job_gate: "text",
  key_gate: "text",
  redrive_of: "text",
  run_at: "bigint",
  start_deadline: "bigint",
} as const satisfies Partial<Record<keyof RunRow, string>>;

export type Changing = keyof typeof CHANGING;
type Submitted = keyof typeof SUBMITTED;

export type Submissions = Columns<RunRow, Submitted> &
  Columns<DefinitionRow, "definition" | "parameters"> &
  Columns<EventRow, "body">;

export type Steps = Columns<RunRow, Changing> & {
  readonly seqs: readonly number[];
  readonly event_runs: readonly number[];
} & { readonly [C in `event_${"seq" | "at" | "attempt" | "body"}`]: readonly (number | string)[] };

export interface Now {
  readonly now: number;
}

export type TimedRow = FullRow & Now;

/** A row that was written, and its version since. */
export type Written = Pick<RunRow, "seq"> & { readonly version: string };

/** A time that is none, beyond every real one: a step as of it is told apart from what the run knew before. */
export const RELATIVE = 2 ** 52;

export interface Range {
  readonly before: number;
  readonly limit: number;
}

/** The columns of a run's row. */
export const RUN_COLUMNS = [
  "seq",
  ...(Object.keys(SUBMITTED) as Submitted[]),
  ...(Object.keys(CHANGING) as Changing[]).filter((name) => name !== "run_at"),
  "created_at",
] satisfies readonly (keyof RunRow)[];
