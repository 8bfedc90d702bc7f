import { err, ok, type Result, ResultAsync } from "neverthrow";
import type { ParameterDeclaration } from "../model/job-definition.js";
import type { JobSubmitError } from "../model/submit-error.js";
import { bindValue, type ParameterRefusal } from "./bind-value.js";
import type { BoundValue } from "./bound-value.js";
import { checkRecord } from "./check-record.js";
import type { AnyJob } from "./job-definition.js";
import {
  missingParameters,
  refusedParameters,
  unknownParameters,
  unreadableParameters,
  type RefusedParameter,
} from "./parameter-errors.js";
import { plainProperties } from "./plain-value.js";
import { issuesText, runSchema } from "./run-schema.js";
import { ValueProblem } from "./value-problem.js";

/** The values of a run by name, one for each of its parameters, in the query's order. */
export type BoundValues = ReadonlyMap<string, BoundValue>;

type Given = ReadonlyMap<string, unknown>;

/**
 * Checks what a caller gave against the job, and brings it into the form in which it is kept and bound; defaults are
 * filled in. Refused with `missing_parameters`, `unknown_parameters`, `unsupported_parameter` or `invalid_parameter`, in
 * this order; each names all parameters at fault. What has no schema is read before this returns, so that the caller may
 * change it afterwards.
 */
export function checkParameters(
  job: AnyJob,
  given: Readonly<Record<string, unknown>> | undefined,
): Result<BoundValues, JobSubmitError> | ResultAsync<BoundValues, JobSubmitError> {
  const record = readRecord(given);
  if (record instanceof ValueProblem) return err(unreadableParameters(job, record));
  const schema = job.checks.record;
  if (schema === null) return checkEach(job, record);
  return new ResultAsync(checkRecord(job, schema, record)).andThen((output) =>
    collect(
      job,
      job.parameters.map((parameter) => bindValue(output.get(parameter.name), parameter)),
    ),
  );
}

/** `undefined` is the same as not given. */
function readRecord(given: unknown): Given | ValueProblem {
  if (given === undefined) return new Map();
  try {
    const record = new Map<string, unknown>();
    for (const [name, value] of plainProperties(given)) {
      if (value !== undefined) record.set(name, value);
    }
    return record;
  } catch (thrown) {
    if (thrown instanceof ValueProblem) return thrown;
    throw thrown;
  }
}

function checkEach(
  job: AnyJob,
  given: Given,
): Result<BoundValues, JobSubmitError> | ResultAsync<BoundValues, JobSubmitError> {
  const missing = job.parameters.filter(({ name, required }) => required && !given.has(name));
  if (missing.length > 0) return err(missingParameters(job, missing));
  const unknown = [...given.keys()].filter((name) => !job.parameters.some((parameter) => parameter.name === name));
  if (unknown.length > 0) return err(unknownParameters(job, unknown));
  if (job.checks.schemas.size === 0)
    return collect(
      job,
      job.parameters.map((parameter) => bindGiven(job, parameter, given)),
    );
  const checking = Promise.all(job.parameters.map((parameter) => checkOne(job, parameter, given)));
  return new ResultAsync(checking.then((results) => collect(job, results)));
}

function bindGiven(
  { checks }: AnyJob,
  parameter: ParameterDeclaration,
  given: Given,
): Result<BoundValue, ParameterRefusal> {
  const fallback = given.has(parameter.name) ? undefined : checks.defaults.get(parameter.name);
  if (fallback?.bound) return ok(fallback.bound);
  return bindValue(fallback ? fallback.given : given.get(parameter.name), parameter);
}

async function checkOne(
  job: AnyJob,
  parameter: ParameterDeclaration,
  given: Given,
): Promise<Result<BoundValue, ParameterRefusal>> {
  const { name, secret } = parameter;
  const schema = job.checks.schemas.get(name);
  if (schema === undefined) return bindGiven(job, parameter, given);
  const value = given.has(name) ? given.get(name) : job.checks.defaults.get(name)?.given;
  const checked = await runSchema(schema, value, secret);
  return checked
    .mapErr(({ issues, cause }) => ({ code: "invalid_parameter" as const, reason: issuesText(issues), cause }))
    .andThen((output) => bindValue(output, parameter));
}

/** @param results one for each parameter of the job, in order. */
function collect(
  job: AnyJob,
  results: readonly Result<BoundValue, ParameterRefusal>[],
): Result<BoundValues, JobSubmitError> {
  const bound = new Map<string, BoundValue>();
  const refused: RefusedParameter[] = [];
  job.parameters.forEach((parameter, i) => {
    results[i]?.match(
      (value) => bound.set(parameter.name, value),
      (refusal) => refused.push({ ...refusal, parameter }),
    );
  });
  return refused.length === 0 ? ok(bound) : err(refusedParameters(job, refused));
}
