import { EXECUTION_DEFAULTS, type Backoff, type ExecutionPolicy } from "../model/job-definition.js";
import { DefinitionFields } from "./definition-fields.js";
import type { DefinitionProblems } from "./definition-problems.js";

/** How a job's runs are carried out; what is left out is as in `EXECUTION_DEFAULTS`. */
export type ExecutionSpec = Partial<Omit<ExecutionPolicy, "backoff">> & { readonly backoff?: Partial<Backoff> };

/** The longest that a timer of Node's waits; a longer one would fire at once. */
export const LONGEST_WAIT_MS = 2_147_483_647;
/** Priorities are 32-bit numbers in every ledger. */
export const LARGEST_PRIORITY = 2_147_483_647;
export const LARGEST_COUNT = 1_000_000;

export function readExecution(spec: unknown, path: string, problems: DefinitionProblems): ExecutionPolicy {
  const known = ["timeoutMs", "maxAttempts", "maxRecoveries", "backoff", "priority"];
  const fields = new DefinitionFields(spec === undefined ? {} : spec, path, known, problems);
  const wait = { min: 0, max: LONGEST_WAIT_MS, otherwise: EXECUTION_DEFAULTS.timeoutMs };
  return {
    timeoutMs: fields.integer("timeoutMs", wait),
    maxAttempts: fields.integer("maxAttempts", {
      min: 1,
      max: LARGEST_COUNT,
      otherwise: EXECUTION_DEFAULTS.maxAttempts,
    }),
    maxRecoveries: fields.integer("maxRecoveries", {
      min: 0,
      max: LARGEST_COUNT,
      otherwise: EXECUTION_DEFAULTS.maxRecoveries,
    }),
    backoff: readBackoff(fields.get("backoff"), fields.at("backoff"), problems),
    priority: fields.integer("priority", {
      min: -LARGEST_PRIORITY,
      max: LARGEST_PRIORITY,
      otherwise: EXECUTION_DEFAULTS.priority,
    }),
  };
}

function readBackoff(spec: unknown, path: string, problems: DefinitionProblems): Backoff {
  const defaults = EXECUTION_DEFAULTS.backoff;
  const fields = new DefinitionFields(
    spec === undefined ? {} : spec,
    path,
    ["kind", "delayMs", "maxDelayMs"],
    problems,
  );
  const wait = (otherwise: number) => ({ min: 0, max: LONGEST_WAIT_MS, otherwise });
  const kind = fields.choice("kind", ["constant", "linear", "exponential"]) ?? defaults.kind;
  const delayMs = fields.integer("delayMs", wait(defaults.delayMs));
  const maxDelayMs = fields.integer("maxDelayMs", wait(defaults.maxDelayMs));
  // Nothing is clamped in silence.
  if (delayMs > maxDelayMs) {
    const given = fields.has("maxDelayMs") ? "" : ", the default: give both";
    fields.add("delayMs", `must not be above maxDelayMs (${maxDelayMs}${given})`);
  }
  return { kind, delayMs, maxDelayMs };
}
