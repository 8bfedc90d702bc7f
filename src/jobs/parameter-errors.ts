import { formatDataType } from "../model/data-type.js";
import type { ParameterDeclaration } from "../model/job-definition.js";
import { JobError } from "../model/job-error.js";
import type { JobSubmitError } from "../model/submit-error.js";
import type { ParameterRefusal } from "./bind-value.js";
import type { AnyJob } from "./job-definition.js";
import { nearestName } from "./nearest-name.js";
import { issuesText, type SchemaRefusal } from "./run-schema.js";
import type { ValueProblem } from "./value-problem.js";

/** A refusal and the parameter it is about. */
export interface RefusedParameter extends ParameterRefusal {
  readonly parameter: ParameterDeclaration;
}

export function missingParameters(job: AnyJob, missing: readonly ParameterDeclaration[]): JobSubmitError {
  return refuse("missing_parameters", job, {
    parameters: missing.map(({ name }) => name),
    message: `needs a value for ${missing.map(described).join(", ")}`,
    hint:
      job.checks.record === null
        ? "Give a value for each; null is one. Only a default makes a parameter optional."
        : "Give a value for each, or let the schema of the parameters fill it in.",
  });
}

export function unknownParameters(job: AnyJob, unknown: readonly string[]): JobSubmitError {
  const names = job.parameters.map(({ name }) => name);
  const told = unknown.slice(0, MOST_TOLD);
  const more = unknown.length > told.length ? ` and ${unknown.length - told.length} more` : "";
  const meant = told.flatMap((name) => {
    const nearest = nearestName(name, names);
    return nearest === undefined ? [] : [`"${nearest}" for ${quoted(name)}`];
  });
  const known = names.length === 0 ? "It has none." : `It has ${names.map(quoted).join(", ")}.`;
  return refuse("unknown_parameters", job, {
    parameters: unknown,
    message: `has no parameter ${told.map(quoted).join(", ")}${more}`,
    hint: (meant.length === 0 ? "" : `Did you mean ${meant.join(", ")}? `) + known,
  });
}

/** The record of parameters itself cannot be read. */
export function unreadableParameters(job: AnyJob, { path, message }: ValueProblem): JobSubmitError {
  return refuse("unsupported_parameter", job, {
    parameters: [],
    message: `cannot read its parameters: the record${path} ${message}`,
    hint: "Give the parameters as a plain object, { name: value }.",
  });
}

/** Of what no parameter takes before what does not fit; all parameters of one code at once. */
export function refusedParameters(job: AnyJob, refused: readonly RefusedParameter[]): JobSubmitError {
  const unsupported = refused.filter(({ code }) => code === "unsupported_parameter");
  const [first, ...others] = unsupported.length > 0 ? unsupported : refused;
  if (first === undefined) throw new Error("no parameter was refused");
  const told = [first, ...others];
  const init = {
    parameters: told.map(({ parameter }) => parameter.name),
    message: `cannot take ${told.map(({ parameter, reason }) => `${described(parameter)}: ${reason}`).join("; ")}`,
    hint: "docs/parameters.md lists what each type takes.",
    cause: told.find(({ cause }) => cause !== undefined)?.cause,
  };
  return first.code === "unsupported_parameter"
    ? refuse("unsupported_parameter", job, init)
    : refuse("invalid_parameter", job, init);
}

/** The schema of the whole record refused it. */
export function invalidParameters(job: AnyJob, { issues, cause }: SchemaRefusal): JobSubmitError {
  const names = job.parameters.map(({ name }) => name);
  return refuse("invalid_parameter", job, {
    parameters: names.filter((name) => issues.some(({ path }) => path[0] === name)),
    message: `cannot take its parameters: ${issuesText(issues)}`,
    hint: "The schema in the job's params says what is allowed.",
    cause,
  });
}

/** @param problem why the job's `concurrencyKey`, filled with these parameters, is no key; follows their names. */
export function unusableInKey(job: AnyJob, parameters: readonly string[], problem: string): JobSubmitError {
  return refuse("invalid_parameter", job, {
    parameters,
    message: `cannot make its concurrencyKey of ${parameters.map(quoted).join(", ")}: ${problem}`,
    hint: "Give other values, or a concurrencyKey of the submit's own.",
  });
}

type ParameterErrorCode = "missing_parameters" | "unknown_parameters" | "unsupported_parameter" | "invalid_parameter";

interface ParameterErrorInit {
  readonly parameters: readonly string[];
  /** Follows the job's name. */
  readonly message: string;
  readonly hint: string;
  readonly cause?: unknown;
}

function refuse<C extends ParameterErrorCode>(code: C, job: AnyJob, { message, ...init }: ParameterErrorInit) {
  const named = { jobName: job.name, parameters: init.parameters };
  return Object.assign(new JobError(code, { ...init, ...named, message: `Job "${job.name}" ${message}.` }), named);
}

// A caller may give any number of them.
const MOST_TOLD = 10;

function described({ name, type }: ParameterDeclaration): string {
  return type === null ? `"${name}"` : `"${name}" (${formatDataType(type)})`;
}

// A caller's own text: of any length, with any characters.
function quoted(name: string): string {
  return JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}…` : name);
}
