import type { AnyJob } from "../jobs/job-definition.js";
import type { BoundValues } from "../jobs/parameter-values.js";
import type { PlannedQuery } from "./submission.js";

/**
 * Plans that the submits of one bulk share. Only what is the same query with the same values is planned once: columns and
 * refusals may depend on a value, so equal types prove nothing.
 */
export class SharedPlans {
  readonly #plans = new Map<AnyJob, Map<string, Promise<PlannedQuery>>>();

  /** @param signal calls all of them off. */
  constructor(readonly signal: AbortSignal) {}

  planOf(job: AnyJob, values: BoundValues, plan: () => Promise<PlannedQuery>): Promise<PlannedQuery> {
    const ofJob = this.#plans.get(job) ?? new Map<string, Promise<PlannedQuery>>();
    this.#plans.set(job, ofJob);
    const key = values.size === 0 ? "" : JSON.stringify([...values]);
    const planned = ofJob.get(key) ?? plan();
    ofJob.set(key, planned);
    return planned;
  }
}
