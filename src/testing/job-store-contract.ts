import { contract, type ContractClause, type Waiver } from "./contract.js";
import { cancelClauses } from "./job-store/cancel-clauses.js";
import { claimClauses } from "./job-store/claim-clauses.js";
import { copyClauses } from "./job-store/copy-clauses.js";
import { creationClauses } from "./job-store/creation-clauses.js";
import { eventClauses } from "./job-store/event-clauses.js";
import { leaseClauses } from "./job-store/lease-clauses.js";
import { lifetimeClauses } from "./job-store/lifetime-clauses.js";
import { pruneClauses } from "./job-store/prune-clauses.js";
import { readingClauses } from "./job-store/reading-clauses.js";
import { transitionClauses } from "./job-store/transition-clauses.js";
import { Trial, type JobStoreSubject } from "./job-store/trial.js";

export type { JobStoreSubject } from "./job-store/trial.js";

export interface JobStoreContractOptions {
  /** Makes a store with nothing in it, once for each clause. */
  make(): Promise<JobStoreSubject>;
  /** Clauses that the store does not keep. Default: it keeps all. */
  readonly without?: readonly Waiver[];
}

/** What a {@link JobStore} promises, as clauses to run against one. The guide is `docs/guides/write-a-store.md`. */
export function jobStoreContract(options: JobStoreContractOptions): readonly ContractClause[] {
  const clauses = {
    ...creationClauses,
    ...copyClauses,
    ...readingClauses,
    ...claimClauses,
    ...transitionClauses,
    ...leaseClauses,
    ...cancelClauses,
    ...eventClauses,
    ...pruneClauses,
    ...lifetimeClauses,
  };
  const subject = async (): Promise<Trial & { dispose(): Promise<void> }> => {
    const made = await options.make();
    await made.store.open({ clock: made.clock });
    const dispose = async (): Promise<void> => {
      await made.store.close();
      await made.dispose?.();
    };
    return Object.assign(new Trial(made), { dispose });
  };
  return contract<Trial>(clauses, subject, options.without);
}
