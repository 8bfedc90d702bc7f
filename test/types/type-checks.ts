import type { JobDefinition } from "millrace";

/** Compiles only for `true`. */
export type Expect<T extends true> = T;

/** Whether two types are the same, `any` told apart. */
export type Equals<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** The record that a submit of this job takes. */
export type ParamsOfDefinition<J> = J extends JobDefinition<string, infer Params> ? Params : never;

/** A Standard Schema as a validator declares it, its interface written out once more. */
export interface Schema<Input, Output> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (
      value: unknown,
    ) => { readonly value: Output } | { readonly issues: readonly { readonly message: string }[] };
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}
