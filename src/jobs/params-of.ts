import type { SchemaInput, StandardSchemaV1 } from "./standard-schema.js";

/** Any value that some declared type takes; `docs/parameters.md` says which. */
export type ParameterInput =
  | null
  | boolean
  | number
  | bigint
  | string
  | Date
  | Uint8Array
  | readonly ParameterInput[]
  | ReadonlyMap<ParameterInput, ParameterInput>
  | { readonly [key: string]: ParameterInput };

/** The record that a submit takes where the job's parameters are only known at run time. */
export type AnyParams = Readonly<Record<string, ParameterInput | undefined>>;

/** A value whose type can be inferred. */
export type InferredInput = null | boolean | number | bigint | string | Date | Uint8Array | readonly InferredInput[];

/** How one parameter is declared. */
export interface ParamSpec {
  /** A DuckDB type. Default: inferred from the value. */
  readonly type?: string;
  /** Makes the parameter optional. Taken as if the caller had given it. */
  readonly default?: unknown;
  /** Checks the value before its type does, and may change it. */
  readonly schema?: StandardSchemaV1;
  /** Keeps the value out of ledger, events, errors and logs. Default false. */
  readonly secret?: boolean;
}

/** The parameters of a job by name; a text is a type. */
export type ParamSpecs = Readonly<Record<string, string | ParamSpec>>;

/** The record that a submit takes, from what a job declares. */
export type ParamsOf<P> = [P] extends [undefined]
  ? Readonly<Record<string, InferredInput>>
  : P extends StandardSchemaV1
    ? SchemaInput<P> extends infer Input extends object
      ? Input
      : AnyParams
    : [keyof P] extends [never]
      ? NoParams
      : Flat<
          { readonly [K in Exclude<keyof P, OptionalKeys<P>>]: InputOf<P[K]> } & {
            readonly [K in OptionalKeys<P>]?: InputOf<P[K]> | undefined;
          }
        >;

// `{}` would take anything.
type NoParams = Readonly<Record<string, never>>;

type Flat<T> = { [K in keyof T]: T[K] };

type OptionalKeys<P> = { [K in keyof P]: P[K] extends { readonly default: infer D } ? Given<D, K> : never }[keyof P];

// `default: undefined` is no default.
type Given<D, K> = [D] extends [undefined] ? never : K;

type InputOf<S> = S extends string
  ? TypeInput<S> | null
  : S extends { readonly schema: infer Schema extends StandardSchemaV1 }
    ? Exclude<SchemaInput<Schema>, undefined>
    : S extends { readonly type: infer T extends string }
      ? TypeInput<T> | null
      : InferredInput;

/** The TypeScript side of a DuckDB type; what is not told apart here is told apart at submit. */
export type TypeInput<T extends string> = string extends T
  ? ParameterInput
  : T extends `${infer Item}[${infer Suffixes}]`
    ? ListInput<Item, Suffixes>
    : Uppercase<T> extends keyof ScalarInputs
      ? ScalarInputs[Uppercase<T>]
      : Uppercase<T> extends `${"DECIMAL" | "NUMERIC" | "DEC"}(${string})`
        ? DecimalInput
        : Uppercase<T> extends `ENUM(${string})`
          ? string
          : ParameterInput;

/** `T[][3]` is split at its first bracket: each `][` that is left is one more level. */
type ListInput<Item extends string, Suffixes extends string> = Suffixes extends `${string}][${infer Inner}`
  ? readonly (ListInput<Item, Inner> | null)[]
  : readonly (TypeInput<Item> | null)[];

type Whole = number | bigint;
type DecimalInput = number | bigint | string;
type Moment = Date | string;

/** What an INTERVAL is given as. */
export interface IntervalInput {
  readonly months?: Whole;
  readonly days?: Whole;
  /** Microseconds. */
  readonly micros?: Whole;
}

type ScalarInputs = Record<"BOOLEAN" | "BOOL" | "LOGICAL", boolean> &
  Record<"TINYINT" | "INT1" | "SMALLINT" | "INT2" | "INT16" | "SHORT" | "INTEGER" | "INT" | "INT4" | "INT32", Whole> &
  Record<"INTEGRAL" | "SIGNED" | "BIGINT" | "INT8" | "INT64" | "LONG" | "OID" | "HUGEINT" | "INT128", Whole> &
  Record<"UTINYINT" | "UINT8" | "USMALLINT" | "UINT16" | "UINTEGER" | "UINT32" | "UBIGINT" | "UINT64", Whole> &
  Record<"UHUGEINT" | "UINT128" | "BIGNUM" | "VARINT", Whole> &
  Record<"DOUBLE" | "DOUBLE PRECISION" | "FLOAT8" | "FLOAT" | "FLOAT4" | "REAL", number> &
  Record<"DECIMAL" | "NUMERIC" | "DEC", DecimalInput> &
  Record<"VARCHAR" | "TEXT" | "STRING" | "CHAR" | "BPCHAR" | "NVARCHAR" | "CHARACTER VARYING", string> &
  Record<"BIT" | "BITSTRING" | "UUID" | "GUID", string> &
  Record<"JSON", string | number | boolean | object> &
  Record<"BLOB" | "BYTEA" | "BINARY" | "VARBINARY", Uint8Array> &
  Record<"TIME" | "TIME WITHOUT TIME ZONE" | "TIME_NS" | "TIMETZ" | "TIME WITH TIME ZONE", string> &
  Record<"DATE" | "TIMESTAMP" | "DATETIME" | "TIMESTAMP_US" | "TIMESTAMP WITHOUT TIME ZONE", Moment> &
  Record<"TIMESTAMP_S" | "TIMESTAMP_MS" | "TIMESTAMP_NS" | "TIMESTAMPTZ" | "TIMESTAMP WITH TIME ZONE", Moment> &
  Record<"INTERVAL", IntervalInput>;
