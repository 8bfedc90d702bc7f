import type { ParameterDeclaration } from "../model/job-definition.js";
import { dataTypeSchema, INFERRED_SCHEMA, type JsonSchema } from "./data-type-schema.js";
import type { AnyJob } from "./job-definition.js";

/**
 * What a submit of this job takes from a caller that has only JSON, as JSON Schema 2020-12. Each value is in the form in
 * which it is kept (`docs/parameters.md`). What a schema of the host's asks beyond that cannot be told here: such
 * parameters are described by their type, or as anything.
 */
export function requestSchema(job: AnyJob): JsonSchema {
  const required = job.parameters.filter((parameter) => parameter.required).map(({ name }) => name);
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: job.name,
    ...(job.description === undefined ? {} : { description: job.description }),
    type: "object",
    properties: Object.fromEntries(job.parameters.map((parameter) => [parameter.name, propertySchema(job, parameter)])),
    required,
    additionalProperties: false,
  };
}

function propertySchema({ checks }: AnyJob, { name, type, secret }: ParameterDeclaration): JsonSchema {
  // What a schema of the host's takes is its own affair: it may be another kind of value than what it makes of it.
  const free = checks.record !== null || checks.schemas.has(name);
  const fallback = checks.defaults.get(name)?.bound;
  return {
    ...(free ? {} : type === null ? INFERRED_SCHEMA : dataTypeSchema(type)),
    ...(fallback && !secret ? { default: fallback.value } : {}),
    ...(secret ? { writeOnly: true } : {}),
  };
}
