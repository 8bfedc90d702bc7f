import { err, ok, type Result } from "neverthrow";
import type { ParameterDeclaration, ParameterValue } from "../model/job-definition.js";
import type { JobSubmitError } from "../model/submit-error.js";
import type { BoundValue } from "./bound-value.js";
import type { AnyJob } from "./job-definition.js";
import { didYouMean } from "./nearest-name.js";
import { unusableInKey } from "./parameter-errors.js";
import { isWhole } from "./whole-text.js";

/** In UTF-16 units: what every ledger can index, however it has to escape the text. */
export const LONGEST_KEY = 400;

const PLACE = /\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** Why a text cannot be a key of the ledger, or undefined if it can. */
export function keyProblem(key: unknown): string | undefined {
  if (typeof key !== "string" || key === "") return "must be a text that is not empty";
  if (key.length > LONGEST_KEY) return `must have at most ${LONGEST_KEY} characters`;
  if (!isWhole(key)) return "must not contain half a surrogate pair";
  return undefined;
}

/** Why a text cannot be a job's `concurrencyKey`, or undefined if it can. */
export function keyTemplateProblem(template: string, parameters: readonly ParameterDeclaration[]): string | undefined {
  const problem = keyProblem(template);
  if (problem !== undefined) return problem;
  if (/[{}]/.test(template.replace(PLACE, ""))) {
    return "has a brace that is no part of a {parameter}, written without spaces";
  }
  for (const [, name = ""] of template.matchAll(PLACE)) {
    const parameter = parameters.find((one) => one.name === name);
    if (parameter === undefined) {
      const names = parameters.map((one) => one.name);
      return `names {${name}}, which is no parameter of the query.${didYouMean(name, names)}`;
    }
    if (parameter.secret) return `names {${name}}, which is secret: a key stands in the ledger as it is`;
  }
  return undefined;
}

/**
 * A job's `concurrencyKey` with the values in their places, texts as they are and all else as JSON in its kept form; null
 * for a job without one.
 */
export function concurrencyKeyOf(
  job: AnyJob,
  values: ReadonlyMap<string, BoundValue>,
): Result<string | null, JobSubmitError> {
  const template = job.execution.concurrencyKey;
  if (template === null) return ok(null);
  const names = [...new Set([...template.matchAll(PLACE)].map(([, name = ""]) => name))];
  const valueOf = (name: string): ParameterValue => values.get(name)?.value ?? null;
  const nulls = names.filter((name) => valueOf(name) === null);
  if (nulls.length > 0) return err(unusableInKey(job, nulls, "null is no value that runs could share"));
  const key = template.replace(PLACE, (_, name: string) => {
    const value = valueOf(name);
    return typeof value === "string" ? value : JSON.stringify(value);
  });
  const problem = keyProblem(key);
  return problem === undefined ? ok(key) : err(unusableInKey(job, names, `it ${problem}`));
}
