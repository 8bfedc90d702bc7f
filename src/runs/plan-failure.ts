import { JobError } from "../model/job-error.js";
import type { EngineQuery, QueryDescription, QueryEngine } from "../ports/query-engine.js";
import { isSubmitError } from "./submit-failure.js";
import { unlessAborted } from "./waiting.js";
import { hasSecrets, withoutSecrets, type QueryWithValues } from "./without-secrets.js";

/** Engines in plain JavaScript may throw instead of rejecting, or not listen to the signal. */
export async function describeQuery(
  engine: QueryEngine,
  query: EngineQuery,
  signal: AbortSignal,
): Promise<QueryDescription | { readonly error: unknown }> {
  try {
    return await unlessAborted(signal, engine.describe(query, signal));
  } catch (error) {
    return { error };
  }
}

/** Of a query with secrets, what the engine says is told only as it says it of the query without them. */
export async function planFailure(
  error: unknown,
  engine: QueryEngine,
  query: QueryWithValues,
  signal: AbortSignal,
): Promise<JobError> {
  if (!hasSecrets(query)) return typedFailure(error);
  const harmless = await describeQuery(engine, withoutSecrets(query), signal);
  if ("error" in harmless) return typedFailure(harmless.error);
  return new JobError("sql_plan_failure", {
    message:
      "The query cannot be planned with the secret values that were given. What the engine said could quote them.",
    hint: "Check that the values are of the kind that the query needs where they stand.",
  });
}

function typedFailure(error: unknown): JobError {
  if (isSubmitError(error)) return error;
  return new JobError("sql_plan_failure", {
    message: "The query could not be planned",
    hint: "The message tells what the engine said.",
    cause: error,
  });
}
