import { RUN_ERROR_CODES, type RunErrorCode } from "../model/error-codes.js";
import {
  EXECUTION_DEFAULTS,
  STATE_EXECUTION_DEFAULTS,
  type Backoff,
  type ExecutionPolicy,
  type ParameterDeclaration,
  type StateDeclaration,
} from "../model/job-definition.js";
import { keyTemplateProblem } from "./concurrency-key.js";
import { DefinitionFields } from "./definition-fields.js";
import type { DefinitionProblems } from "./definition-problems.js";
import { didYouMean } from "./nearest-name.js";
import { kindOf } from "./plain-value.js";

/**
 * How a job's runs are carried out; what is left out is as in `EXECUTION_DEFAULTS`, for a job with state as in
 * `STATE_EXECUTION_DEFAULTS`.
 */
export type ExecutionSpec = Partial<Omit<ExecutionPolicy, "backoff" | "retryOn">> & {
  readonly backoff?: Partial<Backoff>;
  readonly retryOn?: "retryable" | readonly RunErrorCode[];
};

/** The longest that a timer of Node's waits; a longer one would fire at once. */
export const LONGEST_WAIT_MS = 2_147_483_647;
/** Priorities are 32-bit numbers in every ledger. */
export const LARGEST_PRIORITY = 2_147_483_647;
export const LARGEST_COUNT = 1_000_000;

const KEYS = Object.keys(EXECUTION_DEFAULTS);
const BACKOFF_KEYS = Object.keys(EXECUTION_DEFAULTS.backoff);

/** @param job what the defaults, and the names in `concurrencyKey`, follow from. */
export function readExecution(
  spec: unknown,
  path: string,
  job: {
    readonly declarations: readonly ParameterDeclaration[];
    readonly state: readonly StateDeclaration[] | undefined;
  },
  problems: DefinitionProblems,
): ExecutionPolicy {
  const fields = new DefinitionFields(spec === undefined ? {} : spec, path, KEYS, problems);
  const defaults = job.state ? defaultsWithState(fields) : EXECUTION_DEFAULTS;
  const integer = (key: NumberKeys, min: number, max = LARGEST_COUNT) =>
    fields.integer(key, { min, max, otherwise: defaults[key] });
  return {
    timeoutMs: integer("timeoutMs", 0, LONGEST_WAIT_MS),
    maxAttempts: integer("maxAttempts", 1),
    retryOn: readRetryOn(fields, defaults.retryOn),
    maxRecoveries: integer("maxRecoveries", 0),
    backoff: readBackoff(fields.get("backoff"), fields.at("backoff"), problems),
    priority: integer("priority", -LARGEST_PRIORITY, LARGEST_PRIORITY),
    maxConcurrent: integer("maxConcurrent", 0),
    concurrencyKey: readConcurrencyKey(fields, job.declarations),
    maxConcurrentPerKey: integer("maxConcurrentPerKey", 1),
  };
}

function defaultsWithState(fields: DefinitionFields): ExecutionPolicy {
  const { maxConcurrent, attempts } = STATE_EXECUTION_DEFAULTS;
  const says = fields.has("maxAttempts") || fields.has("retryOn");
  return { ...EXECUTION_DEFAULTS, maxConcurrent, ...(!says && attempts) };
}

type NumberKeys = {
  [K in keyof ExecutionPolicy]: ExecutionPolicy[K] extends number ? K : never;
}[keyof ExecutionPolicy];

function readBackoff(spec: unknown, path: string, problems: DefinitionProblems): Backoff {
  const defaults = EXECUTION_DEFAULTS.backoff;
  const fields = new DefinitionFields(spec === undefined ? {} : spec, path, BACKOFF_KEYS, problems);
  const wait = (otherwise: number) => ({ min: 0, max: LONGEST_WAIT_MS, otherwise });
  const kind = fields.choice("kind", ["constant", "linear", "exponential"]) ?? defaults.kind;
  const delayMs = fields.integer("delayMs", wait(defaults.delayMs));
  const maxDelayMs = fields.integer("maxDelayMs", wait(defaults.maxDelayMs));
  const jitter = fields.number("jitter", { min: 0, max: 1, otherwise: defaults.jitter });
  // Nothing is clamped in silence.
  if (delayMs > maxDelayMs) {
    const given = fields.has("maxDelayMs") ? "" : ", the default: give both";
    fields.add("delayMs", `must not be above maxDelayMs (${maxDelayMs}${given})`);
  }
  return { kind, delayMs, maxDelayMs, jitter };
}

/** The codes with which a run ends whatever its policy, or is no longer this worker's. */
const NEVER_RETRIED: ReadonlySet<string> = new Set<RunErrorCode>([
  "start_deadline_passed",
  "too_many_recoveries",
  "lease_lost",
]);

function readRetryOn(fields: DefinitionFields, otherwise: ExecutionPolicy["retryOn"]): ExecutionPolicy["retryOn"] {
  const given = fields.get("retryOn");
  if (given === undefined) return otherwise;
  if (given === "retryable") return "retryable";
  if (!Array.isArray(given) || given.length === 0) {
    fields.add("retryOn", `must be "retryable" or an array of error codes that is not empty`);
    return "retryable";
  }
  given.forEach((code: unknown, i) => {
    if (typeof code !== "string" || !RUN_ERROR_CODES.some((known) => known === code)) {
      const meant = typeof code === "string" ? didYouMean(code, RUN_ERROR_CODES) : ` It is ${kindOf(code)}.`;
      fields.add(`retryOn[${i}]`, `is no code of a run's error; docs/errors.md lists them.${meant}`);
    } else if (NEVER_RETRIED.has(code)) {
      fields.add(`retryOn[${i}]`, `is ${code}, which no attempt can follow`);
    }
  });
  return RUN_ERROR_CODES.filter((code) => given.includes(code));
}

function readConcurrencyKey(fields: DefinitionFields, parameters: readonly ParameterDeclaration[]): string | null {
  if (fields.get("concurrencyKey") === null) return null;
  const template = fields.text("concurrencyKey");
  if (template === undefined) return null;
  const problem = keyTemplateProblem(template, parameters);
  if (problem !== undefined) fields.add("concurrencyKey", problem);
  return template;
}
