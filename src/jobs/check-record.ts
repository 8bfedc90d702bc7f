import { err, ok, type Result } from "neverthrow";
import type { JobSubmitError } from "../model/submit-error.js";
import type { AnyJob } from "./job-definition.js";
import { invalidParameters, missingParameters, unknownParameters } from "./parameter-errors.js";
import { plainProperties } from "./plain-value.js";
import { runSchema, type SchemaRefusal } from "./run-schema.js";
import type { StandardSchemaV1 } from "./standard-schema.js";
import { ValueProblem } from "./value-problem.js";

type Values = ReadonlyMap<string, unknown>;

/** What one schema makes of the whole record. Only its answer shows what is missing. */
export async function checkRecord(
  job: AnyJob,
  schema: StandardSchemaV1,
  given: Values,
): Promise<Result<Values, JobSubmitError>> {
  const checked = (await runSchema(schema, Object.fromEntries(given), false)).andThen(readOutput);
  const missing = job.parameters.filter(({ name }) =>
    checked.match(
      (output) => !output.has(name),
      (refusal) => !given.has(name) && refusal.issues.some(({ path }) => path.length === 1 && path[0] === name),
    ),
  );
  if (missing.length > 0) return err(missingParameters(job, missing));

  // Many schemas silently drop what they do not know, a misspelt name included.
  const named = new Set([...given.keys(), ...(checked.isOk() ? checked.value.keys() : [])]);
  const unknown = [...named].filter((name) => !job.parameters.some((parameter) => parameter.name === name));
  if (unknown.length > 0) return err(unknownParameters(job, unknown));
  return checked.mapErr((refusal) => invalidParameters(job, refusal));
}

function readOutput(output: unknown): Result<Values, SchemaRefusal> {
  try {
    return ok(new Map([...plainProperties(output)].filter(([, value]) => value !== undefined)));
  } catch (thrown) {
    if (!(thrown instanceof ValueProblem)) throw thrown;
    return err({ issues: [{ path: [], message: `what the schema yields ${thrown.message}` }] });
  }
}
