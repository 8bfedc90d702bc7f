// The engine.
export { JobExecutor, type StartReport, type StopOptions, type StopReport } from "./executor/job-executor.js";
export type { JobExecutorOptions } from "./executor/executor-options.js";
export type { ExecutorRole } from "./executor/working-options.js";
export { stopOnSignals, type StopOnSignalsOptions } from "./executor/stop-on-signals.js";
export type { ConnectionTables, TablesOptions } from "./executor/connection-tables.js";
export type { ExecutorEvent } from "./runs/executor-events.js";
export type { RetentionTimes } from "./runs/retention.js";

// Jobs, and what a submit takes and gives.
export { defineJob, type JobSpec } from "./jobs/define-job.js";
export { loadJobs } from "./jobs/job-files/load-jobs.js";
export { JobFileError, type JobFileProblem } from "./jobs/job-files/job-file-error.js";
export type { JobDefinition } from "./jobs/job-definition.js";
export type { DestinationSpec, WriteModeSpec } from "./jobs/read-destination.js";
export type { ExecutionSpec } from "./jobs/read-execution.js";
export type { StateSpec, StateSpecs } from "./jobs/read-state.js";
export type {
  InferredInput,
  IntervalInput,
  ParameterInput,
  ParamSpec,
  ParamSpecs,
  ParamsOf,
} from "./jobs/params-of.js";
export type { ParamsOfJob, SubmitArgs, SubmitItem } from "./jobs/job-params.js";
export type { StandardSchemaV1 } from "./jobs/standard-schema.js";
export { requestSchema } from "./jobs/request-schema.js";
export type { JsonSchema } from "./jobs/data-type-schema.js";
export type { SubmitOptions } from "./runs/submit-options.js";
export type { JobStateValue } from "./runs/job-state.js";
export type { JobPreview, DestinationPreview, PreviewOptions } from "./runs/preview.js";
export type { RunHandle } from "./runs/run-handle.js";
export type { BulkOptions } from "./runs/bulk-submission.js";
export type { PreparedRun } from "./runs/prepared-run.js";
export type { RedriveError, RedriveManyOptions, RedriveOptions } from "./runs/redrive.js";
export type { RedriveReport, RedriveResult } from "./executor/run-submitter.js";
export type { EventsOptions } from "./runs/run-events.js";
export type { RecoveryReport } from "./runs/recovery.js";

// The ledger and the connection that need no database.
export { MemoryJobStore, type MemoryJobStoreOptions, type MemorySnapshot } from "./adapters/memory/memory-job-store.js";
export { memory, type MemoryConnection } from "./adapters/memory/memory-connection.js";
export { systemClock } from "./adapters/system/system-clock.js";

// Schedules.
export { defineSchedule } from "./schedules/define-schedule.js";
export { loadSchedules } from "./schedules/load-schedules.js";
export type { ExclusionSpec, InstantSpec, ScheduleSpec, TriggerSpec } from "./schedules/schedule-spec.js";
export type { OccurrenceList, OccurrenceQuery, ScheduleError, Schedules } from "./schedules/schedules.js";
export type { BadScheduleFile } from "./schedules/schedule-folder.js";
export type { BackfillHandle, BackfillOptions, BackfillPlan } from "./schedules/backfills.js";
export type { ScheduleExplanation } from "./schedules/explain-schedule.js";
export { CronerScheduler } from "./adapters/croner/croner-scheduler.js";
export type {
  CatchUpPolicy,
  LastOutcome,
  OverlapPolicy,
  Schedule,
  ScheduleDefinition,
  ScheduleState,
} from "./model/schedule.js";
export { occurrenceOfRunKey, runKey } from "./model/occurrence-key.js";
export { OCCURRENCE_STATES, type Occurrence, type OccurrenceCause, type OccurrenceState } from "./model/occurrence.js";
export type { Backfill } from "./model/backfill.js";
export type {
  CronTrigger,
  ExcludedTimes,
  FiringTimes,
  IntervalTrigger,
  OnceTrigger,
  Trigger,
} from "./model/trigger.js";

// Errors: match on `code`.
export { JobError, isJobError, type ErrorDetails, type JobErrorInit, type JobErrorJson } from "./model/job-error.js";
export { ERROR_CODES, type ErrorCode, type ErrorPlane, type RunErrorCode } from "./model/error-codes.js";
export type { JobSubmitError, SubmitErrorCode } from "./model/submit-error.js";

// What the ledger holds.
export type {
  CancelOutcome,
  CreatedRun,
  CancelRequest,
  CancelledRun,
  FailedRun,
  FinishedRun,
  JobRun,
  Lease,
  NewRun,
  RunError,
  RunPage,
  RunQuery,
  SucceededRun,
  UnreadableRun,
} from "./model/run.js";
export type { RunEvent, RunEventBody, RunEventType } from "./model/run-event.js";
export {
  isTerminal,
  mayMove,
  RUN_STATUSES,
  RUN_TRANSITIONS,
  type RunStatus,
  type TerminalStatus,
} from "./model/run-status.js";

// Values that cross the ports.
export type {
  Backoff,
  DestinationDefinition,
  ExecutionPolicy,
  ParameterDeclaration,
  ParameterValue,
  QuerySegment,
  QueryTemplate,
  RunDefinition,
  StateDeclaration,
} from "./model/job-definition.js";
export {
  formatDataType,
  sameDataType,
  type DataType,
  type StructField,
  type TimestampUnit,
} from "./model/data-type.js";
export type { Column, TableSchema } from "./model/table-schema.js";
export type { StorageAnswer } from "./model/lossless-storage.js";
export { batchRows } from "./model/batch-values.js";
export { describeFindings, schemaDifference, type SchemaFinding } from "./model/schema-difference.js";
export type { CommitId, CommitReceipt, KeyColumns, KeyedMode, WriteMode, WriteModeKind } from "./model/write-mode.js";
export { canonicalJson, type JsonValue } from "./model/json.js";

// The rules of a run's life, for a store of your own: `docs/guides/write-a-store.md`.
export { applyCancel } from "./model/apply-cancel.js";
export { applyClaim, applyOverdue, applyTakeOver, isOverdue, isWaiting } from "./model/apply-claim.js";
export { applyEvents, applyRenewal, isExpired } from "./model/apply-lease.js";
export { applyTransition } from "./model/apply-transition.js";
export { fullGate, gatesOf, type ConcurrencyGate } from "./model/concurrency-gate.js";
export { runCursor, runPageRequest, type RunPageRequest } from "./model/run-paging.js";
export { newRunRecord, runIdTaken, type RunRecord, type RunStep } from "./model/run-record.js";
export { StoreOpeners } from "./model/store-openers.js";

// The ports: what a store, a destination, a connection or an engine of your own implements.
export type { Clock } from "./ports/clock.js";
export type { Connection, ConnectionCapabilities, ConnectionSnapshot, TableListing } from "./ports/connection.js";
export type { EngineTarget, EngineWriter, WrittenRows } from "./ports/engine-target.js";
export type { IdSource } from "./ports/ids.js";
export type {
  CommitDetails,
  CommitPermit,
  DestinationCapabilities,
  JobDestination,
  Settlement,
  StateChange,
  WriteRequest,
} from "./ports/job-destination.js";
export type {
  ClaimRequest,
  JobStore,
  LeaseRenewal,
  LeaseState,
  PendingCancel,
  PruneRange,
  RunTransition,
  StoreCapabilities,
  StoreChange,
  StoreContext,
  TransitionOutcome,
} from "./ports/job-store.js";
export type { Logger } from "./ports/logger.js";
export type {
  BoundParameter,
  EngineContext,
  EngineQuery,
  ExplainedScan,
  QueryDescription,
  QueryEngine,
  QueryExplanation,
  StreamOptions,
} from "./ports/query-engine.js";
export type { RowStream } from "./ports/row-stream.js";
export type { EndedRun, OccurrencePage, ScheduleChange, ScheduleStore } from "./ports/schedule-store.js";
export type { Scheduler } from "./ports/scheduler.js";
export type { EngineRelation, ScanRequest, TableSource, WantedRows } from "./ports/table-source.js";
