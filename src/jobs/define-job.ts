import type { JobDefinition } from "./job-definition.js";
import { jobFromSpec } from "./job-from-spec.js";
import type { ParamSpecs, ParamsOf } from "./params-of.js";
import type { DestinationSpec } from "./read-destination.js";
import type { ExecutionSpec } from "./read-execution.js";
import type { StandardSchemaV1 } from "./standard-schema.js";

/** A job as one writes it. */
export interface JobSpec<N extends string, P> {
  /** Runs are kept under it. At most 200 characters. */
  readonly name: N;
  readonly description?: string;
  readonly version?: string;
  /** One SELECT. `{name}` is the place of a parameter; `docs/parameters.md`. */
  readonly query: string;
  /** Types by name, or one Standard Schema for the whole record. Left out: inferred from the values given. */
  readonly params?: P;
  readonly destination: DestinationSpec;
  readonly execution?: ExecutionSpec;
}

/**
 * Checks a job and freezes it.
 *
 * @throws JobError `invalid_definition`: all mistakes in one message, `field` names the place of the first.
 */
export function defineJob<
  const N extends string,
  const P extends ParamSpecs | StandardSchemaV1 | undefined = undefined,
>(spec: JobSpec<N, P>): JobDefinition<N, ParamsOf<P>> {
  return jobFromSpec(spec) as JobDefinition<N, ParamsOf<P>>;
}
