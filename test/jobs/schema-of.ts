import type { StandardSchemaResult, StandardSchemaV1 } from "../../src/jobs/standard-schema.js";

/** A Standard Schema from its check. */
export function schemaOf<Input = unknown, Output = Input>(
  validate: (value: unknown) => StandardSchemaResult<Output> | Promise<StandardSchemaResult<Output>>,
): StandardSchemaV1<Input, Output> {
  return { "~standard": { version: 1, vendor: "millrace-test", validate } };
}
