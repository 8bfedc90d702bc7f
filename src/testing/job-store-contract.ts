import { contract, type ContractClause, type Waiver } from "./contract.js";
import { batchClauses } from "./job-store/batch-clauses.js";
import { cancelClauses } from "./job-store/cancel-clauses.js";
import { claimClauses } from "./job-store/claim-clauses.js";
import { connectionClauses } from "./job-store/connection-clauses.js";
import { copyClauses } from "./job-store/copy-clauses.js";
import { creationClauses } from "./job-store/creation-clauses.js";
import { dueClauses } from "./job-store/due-clauses.js";
import { eventClauses } from "./job-store/event-clauses.js";
import { gateClauses } from "./job-store/gate-clauses.js";
import { hostTransactionClauses } from "./job-store/host-transaction-clauses.js";
import { leaseClauses } from "./job-store/lease-clauses.js";
import { lifetimeClauses } from "./job-store/lifetime-clauses.js";
import { openerClauses } from "./job-store/opener-clauses.js";
import { pruneClauses } from "./job-store/prune-clauses.js";
import { readingClauses } from "./job-store/reading-clauses.js";
import { scheduleAdvanceClauses } from "./job-store/schedule-advance-clauses.js";
import { scheduleBackfillClauses } from "./job-store/schedule-backfill-clauses.js";
import { scheduleClauses } from "./job-store/schedule-clauses.js";
import { scheduleEndClauses } from "./job-store/schedule-end-clauses.js";
import { scheduleOccurrenceClauses } from "./job-store/schedule-occurrence-clauses.js";
import { scheduleSharedClauses } from "./job-store/schedule-shared-clauses.js";
import { sharedClauses } from "./job-store/shared-clauses.js";
import { transitionClauses } from "./job-store/transition-clauses.js";
import { Trial, type JobStoreSubject } from "./job-store/trial.js";

export type { HostTransaction, JobStoreSubject } from "./job-store/trial.js";

/** The names of the clauses about several stores on one ledger. */
export const SHARED_CLAUSES: readonly string[] = Object.keys({ ...sharedClauses, ...scheduleSharedClauses });

/** The names of the clauses about `createRunsIn`. */
export const HOST_TRANSACTION_CLAUSES: readonly string[] = Object.keys(hostTransactionClauses);

const schedules = {
  ...scheduleClauses,
  ...scheduleAdvanceClauses,
  ...scheduleOccurrenceClauses,
  ...scheduleEndClauses,
  ...scheduleBackfillClauses,
  ...scheduleSharedClauses,
};

/** The names of the clauses about `schedules`. */
export const SCHEDULE_CLAUSES: readonly string[] = Object.keys(schedules);

export interface JobStoreContractOptions {
  /** Makes a store with nothing in it, once for each clause. */
  make(): Promise<JobStoreSubject>;
  /** Clauses that the store does not keep. Default: it keeps all. */
  readonly without?: readonly Waiver[];
}

/**
 * What a {@link JobStore} promises, as clauses to run against one. A store for one process goes without
 * {@link SHARED_CLAUSES}, one that takes no runs in a host's transaction without {@link HOST_TRANSACTION_CLAUSES}, and one
 * that keeps no schedules without {@link SCHEDULE_CLAUSES}. The guide is `docs/guides/write-a-store.md`.
 */
export function jobStoreContract(options: JobStoreContractOptions): readonly ContractClause[] {
  const clauses = {
    ...creationClauses,
    ...batchClauses,
    ...copyClauses,
    ...readingClauses,
    ...claimClauses,
    ...dueClauses,
    ...connectionClauses,
    ...gateClauses,
    ...transitionClauses,
    ...leaseClauses,
    ...cancelClauses,
    ...eventClauses,
    ...pruneClauses,
    ...lifetimeClauses,
    ...openerClauses,
    ...sharedClauses,
    ...hostTransactionClauses,
    ...schedules,
  };
  const subject = async (): Promise<Trial & { dispose(): Promise<void> }> => {
    const made = await options.make();
    await made.store.open(made);
    const dispose = async (): Promise<void> => {
      await made.store.close();
      await made.dispose?.();
    };
    return Object.assign(new Trial(made), { dispose });
  };
  return contract<Trial>(clauses, subject, options.without);
}
