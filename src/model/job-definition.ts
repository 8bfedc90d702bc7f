import type { DataType } from "./data-type.js";
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

/** Where a run's rows go. */
export interface DestinationDefinition {
  /** `<connection>.<table>`; the first dotted segment names the connection. */
  readonly table: string;
  readonly mode: WriteMode;
  /** Make the table when it is not there. Default: whatever the destination's kind is used to (`createsTable`). */
  readonly createIfMissing?: boolean;
}

/** How a run is carried out. Every default is stated here and nowhere else: {@link EXECUTION_DEFAULTS}. */
export interface ExecutionPolicy {
  /** From the start of an attempt to its commit, in milliseconds. 0 means no limit. Default 0. */
  readonly timeoutMs: number;
  /** Attempts that may fail with a retryable error before the run fails. Default 1. */
  readonly maxAttempts: number;
  /** How often the run may be taken over from an owner that died. Default 3. */
  readonly maxRecoveries: number;
  readonly backoff: Backoff;
  /** Higher starts first. Default 0. */
  readonly priority: number;
}

/** The wait before attempt n + 1 after n failed ones: `constant`, n × `delayMs`, or `delayMs` × 2ⁿ⁻¹; at most `maxDelayMs`. */
export interface Backoff {
  readonly kind: "constant" | "linear" | "exponential";
  /** In milliseconds. Default 1,000. */
  readonly delayMs: number;
  /** In milliseconds. Default 300,000. */
  readonly maxDelayMs: number;
}

export const EXECUTION_DEFAULTS: ExecutionPolicy = {
  timeoutMs: 0,
  maxAttempts: 1,
  maxRecoveries: 3,
  backoff: { kind: "exponential", delayMs: 1_000, maxDelayMs: 300_000 },
  priority: 0,
};

/**
 * What a run carries of its job, as plain data: it runs as it was submitted, whichever version of the host picks it up.
 */
export interface RunDefinition {
  readonly query: string;
  readonly parameters: readonly ParameterDeclaration[];
  readonly destination: DestinationDefinition;
  readonly execution: ExecutionPolicy;
}

/**
 * A parameter's value in the form in which the ledger keeps it and the engine binds it: plain JSON, exact for its type.
 * The table of forms is in `docs/parameters.md`.
 */
export type ParameterValue = JsonValue;
