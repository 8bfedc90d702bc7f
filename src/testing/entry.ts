export { connectionContract, type ConnectionContract, type ConnectionFixture } from "./connection-contract.js";
export { contract, type ContractClause, type Waiver } from "./contract.js";
export {
  CRASH_POINTS,
  crashingConnection,
  crashingDestination,
  crashingStore,
  killProcess,
  stopProcess,
  type CrashAction,
  type CrashPoint,
  type CrashPoints,
} from "./crash-points.js";
export type { DestinationFixture } from "./destination/destination-fixture.js";
export { drain, type Drainable, type DrainOptions } from "./drain.js";
export { fixture, type FixtureTable } from "./fixture-connection.js";
export {
  jobDestinationContract,
  type DestinationOffer,
  type JobDestinationContract,
} from "./job-destination-contract.js";
export {
  HOST_TRANSACTION_CLAUSES,
  jobStoreContract,
  SCHEDULE_CLAUSES,
  SHARED_CLAUSES,
  type HostTransaction,
  type JobStoreContractOptions,
  type JobStoreSubject,
} from "./job-store-contract.js";
export { ManualClock } from "./manual-clock.js";
export type { EngineSql, QueryEngineFixture } from "./engine/engine-fixture.js";
export { queryEngineContract, type QueryEngineContract } from "./query-engine-contract.js";
export { schedulerContract } from "./scheduler-contract.js";
export { SequentialIds } from "./sequential-ids.js";
export type { SampleValue } from "./rows/column-buffers.js";
export type { FixtureRow, FixtureValue } from "./rows/infer-schema.js";
export { recordBatch, type SampleRow } from "./rows/record-batch.js";
export { rowStreamOf, type StreamStep } from "./rows/row-stream-of.js";
