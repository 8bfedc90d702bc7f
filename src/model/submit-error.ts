import type { ErrorDetails, JobError } from "./job-error.js";

type With<K extends keyof ErrorDetails> = Required<Pick<ErrorDetails, K>>;

/** What each code of a refused submit brings beside `code`, `message`, `hint` and `retryable`. */
interface SubmitErrorFields {
  unknown_job: With<"jobName">;
  missing_parameters: With<"jobName" | "parameters">;
  unknown_parameters: With<"jobName" | "parameters">;
  unsupported_parameter: With<"jobName" | "parameters">;
  invalid_parameter: With<"jobName" | "parameters">;
  unsupported_query: With<"jobName">;
  sql_plan_failure: With<"jobName">;
  destination_resolution_failed: With<"jobName" | "table">;
  destination_missing: With<"jobName" | "table">;
  destination_read_only: With<"jobName" | "table" | "connection">;
  non_transactional_destination: With<"jobName" | "table" | "connection">;
  unsupported_write_mode: With<"jobName" | "table" | "mode">;
  unsupported_state: With<"jobName" | "table">;
  schema_mismatch: With<"jobName" | "table" | "columns">;
  idempotency_conflict: With<"jobName" | "runId">;
  connection_unavailable: With<"jobName" | "connection">;
  store_unavailable: object;
  not_started: object;
  executor_stopped: object;
  work_only: object;
  aborted: object;
  internal_error: object;
}

/** The codes with which a submit can be refused. */
export type SubmitErrorCode = keyof SubmitErrorFields;

/** Why a submit was refused: a union on `code`. Nothing was stored. */
export type JobSubmitError = { [C in SubmitErrorCode]: JobError<C> & SubmitErrorFields[C] }[SubmitErrorCode];
