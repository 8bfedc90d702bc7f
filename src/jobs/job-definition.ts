import type {
  DestinationDefinition,
  ExecutionPolicy,
  ParameterDeclaration,
  QueryTemplate,
  RunDefinition,
  StateDeclaration,
} from "../model/job-definition.js";
import type { BoundValue } from "./bound-value.js";
import type { AnyParams } from "./params-of.js";
import type { StandardSchemaV1 } from "./standard-schema.js";

/**
 * A checked and frozen job. Made by `defineJob` and `loadJobs` only.
 *
 * @typeParam N the name, as a literal where it is known.
 * @typeParam Params the record that a submit takes.
 */
export interface JobDefinition<N extends string = string, Params extends object = AnyParams> {
  readonly name: N;
  readonly description?: string;
  readonly version?: string;
  readonly query: string;
  readonly template: QueryTemplate;
  readonly destination: DestinationDefinition;
  readonly execution: ExecutionPolicy;
  /** In order of first mention in the query. */
  readonly parameters: readonly ParameterDeclaration[];
  /** What it remembers from run to run, in order of first mention in the query; absent: nothing. */
  readonly state?: readonly StateDeclaration[];
  /** SHA-256, in hex, of query, parameters, state, destination and execution. */
  readonly hash: string;
  /** How a submit's parameters are checked. For Millrace's own use. */
  readonly checks: ParameterChecks;
  /** Exists for the type checker only; never set. */
  readonly "~params"?: Params;
}

/** A job, whatever its name and parameters. */
export type AnyJob = JobDefinition<string, object>;

/** What the declarations do not carry, because it is not plain data or must not reach the ledger. */
export interface ParameterChecks {
  /** Checks the whole record at once; null: each parameter is checked on its own. */
  readonly record: StandardSchemaV1 | null;
  readonly schemas: ReadonlyMap<string, StandardSchemaV1>;
  readonly defaults: ReadonlyMap<string, ParameterDefault>;
}

/** A default is a value as a caller would give it. `bound` is null where a schema of the parameter has the last word. */
export interface ParameterDefault {
  readonly given: unknown;
  readonly bound: BoundValue | null;
}

/**
 * What a run carries of its job.
 *
 * @param values the values of the run: types that were inferred from them are written down, so that a later attempt, in
 * whichever process, binds them as the first one did.
 */
export function runDefinition(job: AnyJob, values?: ReadonlyMap<string, BoundValue>): RunDefinition {
  const parameters = job.parameters.map((parameter) =>
    parameter.type === null ? { ...parameter, type: values?.get(parameter.name)?.type ?? null } : parameter,
  );
  const { query, state, destination, execution } = job;
  return { query, parameters, ...(state && { state }), destination, execution };
}
