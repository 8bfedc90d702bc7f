import { defineJob, type JobDefinition } from "millrace";
import type { Equals, Expect, ParamsOfDefinition, Schema } from "./type-checks.js";

const destination = { table: "lake.t" } as const;
const query = "select 1";

// Names are literals, without `as const`.
const plain = defineJob({ name: "plain", query, destination });
export type NameIsLiteral = Expect<Equals<(typeof plain)["name"], "plain">>;

// Declared types.
const typed = defineJob({
  name: "typed",
  query,
  destination,
  params: {
    flag: "BOOLEAN",
    small: "int",
    big: "BIGINT",
    real: "DOUBLE",
    exact: "DECIMAL(18,2)",
    text: "varchar",
    day: "DATE",
    moment: "TIMESTAMP WITH TIME ZONE",
    bytes: "BLOB",
    span: "INTERVAL",
    list: "DOUBLE[]",
    nested: "VARCHAR[][3]",
    level: "ENUM('low', 'high')",
  },
});
type Typed = ParamsOfDefinition<typeof typed>;
export type DeclaredTypes = [
  Expect<Equals<Typed["flag"], boolean | null>>,
  Expect<Equals<Typed["small"], number | bigint | null>>,
  Expect<Equals<Typed["big"], number | bigint | null>>,
  Expect<Equals<Typed["real"], number | null>>,
  Expect<Equals<Typed["exact"], number | bigint | string | null>>,
  Expect<Equals<Typed["text"], string | null>>,
  Expect<Equals<Typed["day"], Date | string | null>>,
  Expect<Equals<Typed["moment"], Date | string | null>>,
  Expect<Equals<Typed["bytes"], Uint8Array | null>>,
  Expect<Equals<Typed["list"], readonly (number | null)[] | null>>,
  Expect<Equals<Typed["nested"], readonly (readonly (string | null)[] | null)[] | null>>,
  Expect<Equals<Typed["level"], string | null>>,
];

// Only a default makes a key optional; undefined may then be written out.
const optional = defineJob({
  name: "optional",
  query,
  destination,
  params: {
    required: { type: "DOUBLE" },
    secret: { type: "VARCHAR", secret: true },
    some: { type: "DATE", default: "2001-01-01" },
    none: { type: "DATE", default: undefined },
    free: { secret: true, default: 1 },
  },
});
type Optional = ParamsOfDefinition<typeof optional>;
export const needed: Optional = { required: 1, secret: "x", none: null };
export const withUndefined: Optional = { required: 1, secret: null, none: "2001-01-01", some: undefined, free: [1n] };
// @ts-expect-error a declared parameter without a default is missing
export const missing: Optional = { required: 1, none: null };
// @ts-expect-error undefined is not a value of a required parameter
export const undefinedRequired: Optional = { required: undefined, secret: "x", none: null };
// @ts-expect-error `default: undefined` is no default
export const noDefault: Optional = { required: 1, secret: "x" };
// @ts-expect-error there is no such parameter
export const unknown: Optional = { required: 1, secret: "x", none: null, other: 1 };
// @ts-expect-error a text is no DOUBLE
export const wrong: Optional = { required: "1", secret: "x", none: null };

// What the types cannot tell apart is left to the check at submit.
const exotic = defineJob({
  name: "exotic",
  query,
  destination,
  params: { row: "STRUCT(a INTEGER)", map: "MAP(VARCHAR, INTEGER)", json: "JSON" },
});
interface Row {
  readonly a: number;
}
const row: Row = { a: 1 };
export const exoticParams: ParamsOfDefinition<typeof exotic> = { row: { a: 1 }, map: new Map([["a", 1]]), json: row };

// Undeclared parameters take what can be inferred.
type Inferred = ParamsOfDefinition<typeof plain>;
export const inferred: Inferred = { a: 1, b: "x", c: null, d: [1n, [new Date(0)]], e: new Uint8Array() };
// @ts-expect-error no type is inferred for an object
export const noObject: Inferred = { a: { b: 1 } };
// @ts-expect-error nor for a function
export const noFunction: Inferred = { a: () => 1 };

// A Standard Schema for one parameter, and for the record: the caller gives its input.
declare const trimmed: Schema<string | undefined, Date>;
declare const range: Schema<{ from: Date; to?: Date | undefined }, { from: Date; to: Date }>;
declare const anything: Schema<unknown, unknown>;
const one = defineJob({ name: "one", query, destination, params: { a: { type: "DATE", schema: trimmed } } });
export type OneSchema = Expect<Equals<ParamsOfDefinition<typeof one>, { readonly a: string }>>;
const whole = defineJob({ name: "whole", query, destination, params: range });
export type WholeSchema = Expect<Equals<ParamsOfDefinition<typeof whole>, { from: Date; to?: Date | undefined }>>;
const loose = defineJob({ name: "loose", query, destination, params: anything });
export const looseParams: ParamsOfDefinition<typeof loose> = { a: 1, b: { c: [1] }, d: undefined };

// Types that are only known at run time take any value.
declare const typeText: string;
const dynamic = defineJob({ name: "dynamic", query, destination, params: { a: typeText } });
export const dynamicParams: ParamsOfDefinition<typeof dynamic> = { a: { b: 1 } };
// @ts-expect-error but the names are known
export const dynamicName: ParamsOfDefinition<typeof dynamic> = { b: 1 };

// The definition itself.
defineJob({
  name: "m",
  query,
  destination: { table: "t", mode: { kind: "upsert", keys: ["id"], onDuplicate: "keepLast" } },
});
defineJob({ name: "m", query, destination: { table: "t", mode: "overwrite", createIfMissing: true } });
defineJob({ name: "m", query, destination, execution: { timeoutMs: 5, backoff: { kind: "constant" } } });
defineJob({ name: "m", query, destination, execution: { retryOn: ["timed_out"], backoff: { jitter: 0 } } });
defineJob({ name: "m", query, destination, execution: { concurrencyKey: "one", maxConcurrent: 1 } });
// @ts-expect-error no run ends with this code
defineJob({ name: "m", query, destination, execution: { retryOn: ["unknown_job"] } });
defineJob({ name: "m", query, destination: { table: "t", mode: { kind: "deleteInsert", keys: ["id"] } } });
defineJob({
  name: "m",
  query,
  destination: { table: "t", mode: { kind: "insertOnly", keys: ["id"], onDuplicate: "keepFirst" } },
});
// @ts-expect-error upsert needs its keys
defineJob({ name: "m", query, destination: { table: "t", mode: "upsert" } });
const keepsLast = { kind: "insertOnly", keys: ["id"], onDuplicate: "keepLast" } as const;
// @ts-expect-error insertOnly keeps the first or none
defineJob({ name: "m", query, destination: { table: "t", mode: keepsLast } });
const keyAsText = { kind: "deleteInsert", keys: "id" } as const;
// @ts-expect-error the keys are a list
defineJob({ name: "m", query, destination: { table: "t", mode: keyAsText } });
// @ts-expect-error there is no such mode
defineJob({ name: "m", query, destination: { table: "t", mode: "append_only" } });
// @ts-expect-error there is no such part
defineJob({ name: "m", query, destination, exection: {} });
// @ts-expect-error a job has a destination
defineJob({ name: "m", query });
// @ts-expect-error a number is no type
defineJob({ name: "m", query, destination, params: { a: 5 } });

// What a job remembers is no parameter of it, and begins with a value of its type.
const stateful = defineJob({
  name: "stateful",
  query: "select id from t where id > {last.id} and region = {region}",
  params: { region: "VARCHAR" },
  state: {
    id: { type: "BIGINT", initial: 0n },
    at: { type: "timestamp", column: "a", take: "min", initial: new Date(0) },
  },
  destination,
});
export type StateIsNoParameter = Expect<
  Equals<ParamsOfDefinition<typeof stateful>, { readonly region: string | null }>
>;
const onlyState = defineJob({
  name: "s",
  query,
  destination,
  params: {},
  state: { at: { type: typeText, initial: 1 } },
});
export type NoParamsBesideState = Expect<Equals<ParamsOfDefinition<typeof onlyState>, Readonly<Record<string, never>>>>;
// @ts-expect-error a text is no BIGINT
defineJob({ name: "s", query, destination, state: { id: { type: "BIGINT", initial: "0" } } });
// @ts-expect-error the first run needs a value too
defineJob({ name: "s", query, destination, state: { id: { type: "BIGINT" } } });
// @ts-expect-error nothing compares with null
defineJob({ name: "s", query, destination, state: { id: { type: "BIGINT", initial: null } } });
// @ts-expect-error a state has a type
defineJob({ name: "s", query, destination, state: { id: { initial: 0 } } });
// @ts-expect-error there is no such choice
defineJob({ name: "s", query, destination, state: { id: { type: "BIGINT", take: "sum", initial: 0 } } });

// Any job is a JobDefinition.
export const list: JobDefinition<string, object>[] = [
  plain,
  typed,
  optional,
  exotic,
  one,
  whole,
  loose,
  dynamic,
  stateful,
  onlyState,
];
// @ts-expect-error one name is not another
export const otherName: JobDefinition<"other", object> = plain;
