/** Who sees a code: `submit` as the value of a refused submit, `run` in a run's `error`, `host` as a thrown error. */
export type ErrorPlane = "submit" | "run" | "host";

interface ErrorCodeEntry {
  readonly planes: readonly ErrorPlane[];
  /** Whether the same call may succeed later without anybody changing it. */
  readonly retryable: boolean;
  readonly meaning: string;
}

/** Every code that Millrace gives, in one table. `docs/errors.md` is checked against it. Codes are never renamed. */
export const ERROR_CODES = {
  unknown_job: entry(["submit"], false, "No job of this name is registered."),
  missing_parameters: entry(["submit"], false, "The query needs parameters that were not given and have no default."),
  unknown_parameters: entry(["submit"], false, "Parameters were given that the job does not have."),
  unsupported_parameter: entry(["submit"], false, "A value is of a kind that no parameter takes."),
  invalid_parameter: entry(["submit"], false, "A value does not fit the declared type or fails the declared schema."),
  unsupported_query: entry(
    ["submit", "run"],
    false,
    "The text is not exactly one SELECT over the declared connections, or yields a column that cannot be moved exactly.",
  ),
  sql_plan_failure: entry(["submit", "run"], false, "The engine could not plan the query."),
  destination_resolution_failed: entry(
    ["submit", "run"],
    false,
    "The first segment of the destination names no connection, or the name is not one this connection can resolve.",
  ),
  destination_missing: entry(["submit", "run"], false, "The destination table does not exist and may not be created."),
  destination_read_only: entry(["submit", "run"], false, "The connection was not opened for writing."),
  non_transactional_destination: entry(["submit", "run"], false, "The connection cannot commit all or nothing."),
  unsupported_write_mode: entry(["submit", "run"], false, "The destination does not keep this write mode."),
  schema_mismatch: entry(
    ["submit", "run"],
    false,
    "The query's columns cannot be stored in the destination without loss.",
  ),
  idempotency_conflict: entry(["submit", "host"], false, "The idempotency key names a run with other parameters."),
  connection_unavailable: entry(
    ["submit", "run", "host"],
    true,
    "A connection could not be opened or does not answer.",
  ),
  store_unavailable: entry(["submit", "run", "host"], true, "The ledger could not be read or written."),
  store_incompatible: entry(["host"], false, "The ledger was made by a newer version, or the file is not a ledger."),
  not_started: entry(["submit", "host"], false, "The executor has not been started."),
  executor_stopped: entry(["submit", "host"], false, "The executor is stopping or has stopped."),
  work_only: entry(["submit", "host"], false, "The executor works on runs and takes none."),
  aborted: entry(["submit", "host"], false, "The caller's signal was aborted."),
  internal_error: entry(["submit", "run", "host"], false, "A defect in Millrace or in an adapter."),
  query_failed: entry(["run"], true, "The query failed while its rows were read."),
  resource_limit_exceeded: entry(
    ["run"],
    false,
    "The query needs more memory or temporary disk than the engine may use.",
  ),
  destination_failed: entry(["run"], true, "The destination refused or lost the write; nothing was committed."),
  destination_misbehaved: entry(["run"], false, "The destination broke the promise of its port; see the message."),
  state_conflict: entry(
    ["run"],
    true,
    "Another run of the job committed after this one had read the job's state; nothing was committed.",
  ),
  unsupported_state: entry(["submit", "run"], false, "The destination cannot keep a job's state with its rows."),
  stream_incomplete: entry(["run"], true, "The end of the rows was not proven, or rows were lost on the way."),
  timed_out: entry(["run"], true, "The run took longer than its time-out and was stopped before its commit."),
  start_deadline_passed: entry(["run"], false, "The run did not start before its deadline."),
  lease_lost: entry(["run"], true, "Another worker took the run over; this attempt committed nothing."),
  too_many_recoveries: entry(["run"], false, "The run's owner died more often than `maxRecoveries` allows."),
  secret_unavailable: entry(
    ["run", "host"],
    false,
    "A secret parameter lived only in the memory of the process that submitted the run, and that process is gone.",
  ),
  unknown_run: entry(["host"], false, "The ledger holds no run of this id."),
  not_redrivable: entry(["host"], false, "Only a run that failed or was cancelled can be run once more."),
  unsupported_transaction: entry(["host"], false, "The ledger cannot store a run within this transaction."),
  prepared_run_used: entry(["host"], false, "The prepared run was inserted already."),
  unknown_schedule: entry(["host"], false, "The ledger holds no schedule of this id."),
  schedule_exists: entry(["host"], false, "There is a schedule of this id already."),
  unknown_connection: entry(["host"], false, "The executor has no connection of this name."),
  not_listable: entry(["host"], false, "The connection cannot tell which tables it has."),
  invalid_definition: entry(["host"], false, "A job or an option is not well formed."),
  invalid_job_file: entry(["host"], false, "Job files hold mistakes."),
  job_file_unreadable: entry(["host"], false, "A job file or its folder could not be read."),
} as const satisfies Record<string, ErrorCodeEntry>;

/** A stable code; callers match on it, never on a message or on `instanceof`. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** The codes that a run's error may have. */
export type RunErrorCode = {
  [C in ErrorCode]: "run" extends (typeof ERROR_CODES)[C]["planes"][number] ? C : never;
}[ErrorCode];

/** In the order of the table. */
export const RUN_ERROR_CODES: readonly RunErrorCode[] = (Object.keys(ERROR_CODES) as ErrorCode[]).filter(
  isRunErrorCode,
);

function isRunErrorCode(code: ErrorCode): code is RunErrorCode {
  const planes: readonly ErrorPlane[] = ERROR_CODES[code].planes;
  return planes.includes("run");
}

function entry<const P extends readonly ErrorPlane[]>(planes: P, retryable: boolean, meaning: string) {
  return { planes, retryable, meaning };
}
