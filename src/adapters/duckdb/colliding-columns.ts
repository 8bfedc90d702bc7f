import { JobError } from "../../model/job-error.js";
import type { TableSchema } from "../../model/table-schema.js";

/**
 * Refuses columns whose names differ in nothing or only in case: no destination could tell them apart.
 *
 * @throws JobError `unsupported_query`, with `columns`.
 */
export function refuseCollidingColumns(schema: TableSchema): void {
  const colliding = collidingColumns(schema);
  if (colliding.length === 0) return;
  throw new JobError("unsupported_query", {
    message: `Several columns have one name: ${colliding.map((name) => `"${name}"`).join(", ")}.`,
    hint: "Give each a name of its own with AS; upper and lower case make no difference.",
    columns: [...new Set(colliding)],
  });
}

/** The names that differ from another in nothing or only in case. */
export function collidingColumns({ columns }: TableSchema): readonly string[] {
  const byFolded = new Map<string, string[]>();
  for (const { name } of columns) {
    const folded = name.toLowerCase();
    byFolded.set(folded, [...(byFolded.get(folded) ?? []), name]);
  }
  return [...byFolded.values()].filter((names) => names.length > 1).flat();
}
