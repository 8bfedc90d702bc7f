import type { JobDefinition } from "./job-definition.js";
import { jobFromSpec } from "./job-from-spec.js";
import type { ParamSpecs, ParamsOf } from "./params-of.js";
import type { DestinationSpec } from "./read-destination.js";
import type { ExecutionSpec } from "./read-execution.js";
import type { StateSpecs } from "./read-state.js";
import type { StandardSchemaV1 } from "./standard-schema.js";

/** A job as one writes it. */
export interface JobSpec<N extends string, P, S extends StateTypes = StateTypes> {
  /** Runs are kept under it. At most 200 characters. */
  readonly name: N;
  readonly description?: string;
  readonly version?: string;
  /** One SELECT. `{name}` is the place of a parameter; `docs/parameters.md`. */
  readonly query: string;
  /** Types by name, or one Standard Schema for the whole record. Left out: inferred from the values given. */
  readonly params?: P;
  /**
   * What the job remembers of its rows from run to run, by name: `{last.name}` is its place in the query. For jobs that
   * load only what is new; `docs/guides/incremental-jobs.md`.
   */
  readonly state?: StateSpecs<S>;
  readonly destination: DestinationSpec;
  readonly execution?: ExecutionSpec;
}

type StateTypes = Readonly<Record<string, string>>;

/**
 * Checks a job and freezes it.
 *
 * @throws JobError `invalid_definition`: all mistakes in one message, `field` names the place of the first.
 */
export function defineJob<
  const N extends string,
  const P extends ParamSpecs | StandardSchemaV1 | undefined = undefined,
  const S extends StateTypes = StateTypes,
>(spec: JobSpec<N, P, S>): JobDefinition<N, ParamsOf<P>> {
  return jobFromSpec(spec) as JobDefinition<N, ParamsOf<P>>;
}
