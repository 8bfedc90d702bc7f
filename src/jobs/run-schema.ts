import { err, ok, type Result } from "neverthrow";
import type { StandardSchemaIssue, StandardSchemaResult, StandardSchemaV1 } from "./standard-schema.js";

/** Why a schema refused a value. */
export interface SchemaRefusal {
  readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[];
  /** What the schema threw, if it threw. */
  readonly cause?: unknown;
}

/**
 * What the schema makes of a value. Of a secret nothing is told but that it was refused: validators quote what they refuse.
 */
export async function runSchema(
  schema: StandardSchemaV1,
  value: unknown,
  secret: boolean,
): Promise<Result<unknown, SchemaRefusal>> {
  let result: StandardSchemaResult<unknown>;
  try {
    result = await schema["~standard"].validate(value);
  } catch (thrown) {
    const issues = [{ path: [], message: "could not be checked: its schema threw" }];
    return err(secret ? { issues } : { issues, cause: thrown });
  }
  if (result.issues === undefined) return ok(result.value);
  if (secret) return err({ issues: [{ path: [], message: "was refused by its schema" }] });
  return err({ issues: result.issues.map((issue) => ({ path: keysOf(issue), message: issue.message })) });
}

/** Every issue with its place: `at .name[3]: too short`. */
export function issuesText(issues: SchemaRefusal["issues"]): string {
  return issues
    .map(({ path, message }) => (path.length === 0 ? message : `at ${pathText(path)}: ${message}`))
    .join(", ");
}

function pathText(path: readonly PropertyKey[]): string {
  return path.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("");
}

function keysOf({ path = [] }: StandardSchemaIssue): readonly PropertyKey[] {
  return path.map((part) => (typeof part === "object" ? part.key : part));
}
