import type { DataType } from "./data-type.js";
import type { ErrorCode } from "./error-codes.js";
import type { JsonValue } from "./json.js";
import type { WriteMode } from "./write-mode.js";

/** A piece of a query: text as it stands, or the place of a parameter. Values never become text (law 6). */
export type QuerySegment = { readonly text: string } | { readonly parameter: string };

/** A query split once into its text and the places of its parameters. */
export type QueryTemplate = readonly QuerySegment[];

/** What a run needs to know of one parameter. */
export interface ParameterDeclaration {
  readonly name: string;
  /** Null: the type follows from the value given. */
  readonly type: DataType | null;
  readonly required: boolean;
  /** Its value is kept out of ledger, events, errors and logs. */
  readonly secret: boolean;
}

/**
 * What a job remembers of one column of its rows, from run to run: the greatest or the least value that a run gave. It
 * stands in the query as `{last.<name>}`, and is stored by the commit that stores the rows.
 */
export interface StateDeclaration {
  readonly name: string;
  readonly type: DataType;
  readonly column: string;
  readonly take: "max" | "min";
  /** What the first run is bound with. */
  readonly initial: ParameterValue;
}

/** Where a run's rows go. */
export interface DestinationDefinition {
  /** `<connection>.<table>`; the first dotted segment names the connection. */
  readonly table: string;
  readonly mode: WriteMode;
  /** Make the table when it is not there. Default: whatever the destination's kind is used to (`createsTable`). */
  readonly createIfMissing?: boolean;
}

/**
 * How a run is carried out. Every default is in {@link EXECUTION_DEFAULTS}; what is another for jobs with state, in
 * {@link STATE_EXECUTION_DEFAULTS}.
 */
export interface ExecutionPolicy {
  /** From the start of an attempt to its commit, in milliseconds. 0 means no limit. Default 0. */
  readonly timeoutMs: number;
  /** Attempts that may fail with an error that `retryOn` names before the run fails. Default 1. */
  readonly maxAttempts: number;
  /** Which errors are followed by another attempt: those whose `retryable` is true, or these codes alone. Default `retryable`. */
  readonly retryOn: "retryable" | readonly ErrorCode[];
  /** How often the run may be taken over from an owner that died. Default 3. */
  readonly maxRecoveries: number;
  readonly backoff: Backoff;
  /** Higher starts first. Default 0. */
  readonly priority: number;
  /** How many runs of this job may be under way at once in all processes that share the ledger. 0 means no limit. Default 0. */
  readonly maxConcurrent: number;
  /**
   * Runs with the same key, of whichever job, take turns. A text in which `{parameter}` stands for the value of a
   * parameter; null: no key. Default null.
   */
  readonly concurrencyKey: string | null;
  /** How many runs of one `concurrencyKey` may be under way at once. Default 1. */
  readonly maxConcurrentPerKey: number;
}

/**
 * The wait before attempt n + 1 after n failed ones: `constant`, n × `delayMs`, or `delayMs` × 2ⁿ⁻¹; at most `maxDelayMs`,
 * less a random part.
 */
export interface Backoff {
  readonly kind: "constant" | "linear" | "exponential";
  /** In milliseconds. Default 1,000. */
  readonly delayMs: number;
  /** In milliseconds. Default 300,000. */
  readonly maxDelayMs: number;
  /** The share of the wait that is random, from 0 (none) to 1, so that runs that failed together come back apart. Default 0.5. */
  readonly jitter: number;
}

/**
 * The defaults of a job with state: its runs take turns, and one that another run overtook reads the state again. The
 * attempts are left out where a job says itself which errors are retried or how often.
 */
export const STATE_EXECUTION_DEFAULTS = {
  maxConcurrent: 1,
  attempts: { maxAttempts: 5, retryOn: ["state_conflict"] },
} as const satisfies Partial<ExecutionPolicy> & { attempts: Pick<ExecutionPolicy, "maxAttempts" | "retryOn"> };

export const EXECUTION_DEFAULTS: ExecutionPolicy = {
  timeoutMs: 0,
  maxAttempts: 1,
  retryOn: "retryable",
  maxRecoveries: 3,
  backoff: { kind: "exponential", delayMs: 1_000, maxDelayMs: 300_000, jitter: 0.5 },
  priority: 0,
  maxConcurrent: 0,
  concurrencyKey: null,
  maxConcurrentPerKey: 1,
};

/**
 * What a run carries of its job, as plain data: it runs as it was submitted, whichever version of the host picks it up.
 */
export interface RunDefinition {
  readonly query: string;
  readonly parameters: readonly ParameterDeclaration[];
  /** Absent: the job remembers nothing. */
  readonly state?: readonly StateDeclaration[];
  readonly destination: DestinationDefinition;
  readonly execution: ExecutionPolicy;
}

/**
 * A parameter's value in the form in which the ledger keeps it and the engine binds it: plain JSON, exact for its type.
 * The table of forms is in `docs/parameters.md`.
 */
export type ParameterValue = JsonValue;
