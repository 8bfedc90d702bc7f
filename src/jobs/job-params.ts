import type { AnyJob, JobDefinition } from "./job-definition.js";
import type { AnyParams } from "./params-of.js";

/** The names of the jobs `J`. */
export type JobNames<J extends readonly AnyJob[]> = J[number]["name"];

/**
 * The record that a submit of the job named `N` takes. Names that are only known at run time (jobs from a file) take any
 * record of values. A union of names takes what suits each of them.
 */
export type ParamsOfJob<J extends readonly AnyJob[], N extends string> = AllOf<
  N extends string ? ParamsByName<J, N> : never
>;

/** The arguments behind the name: the parameters may be left out when none is required. */
export type SubmitArgs<J extends readonly AnyJob[], N extends string, Options> =
  NoParams extends ParamsOfJob<J, N>
    ? [params?: ParamsOfJob<J, N>, options?: Options]
    : [params: ParamsOfJob<J, N>, options?: Options];

/** One submit of many, as an object. */
export type SubmitItem<J extends readonly AnyJob[], N extends string, Options> = {
  readonly name: N;
  readonly options?: Options;
} & (NoParams extends ParamsOfJob<J, N>
  ? { readonly params?: ParamsOfJob<J, N> }
  : { readonly params: ParamsOfJob<J, N> });

type ParamsByName<J extends readonly AnyJob[], N extends string> = string extends N
  ? AnyParams
  : [Extract<J[number], { readonly name: N }>] extends [never]
    ? AnyParams
    : Extract<J[number], { readonly name: N }> extends JobDefinition<string, infer Params>
      ? Params
      : never;

type NoParams = Record<never, never>;
type AllOf<T> = (T extends unknown ? (member: T) => void : never) extends (all: infer All) => void ? All : never;
