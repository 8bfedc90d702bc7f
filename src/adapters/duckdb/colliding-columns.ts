import { JobError } from "../../model/job-error.js";
import type { TableSchema } from "../../model/table-schema.js";

/**
 * Refuses columns whose names differ in nothing or only in case: no destination could tell them apart.
 *
 * @throws JobError `unsupported_query`, with `columns`.
 */
export function refuseCollidingColumns({ columns }: TableSchema): void {
  const byFolded = new Map<string, string[]>();
  for (const { name } of columns) {
    const folded = name.toLowerCase();
    byFolded.set(folded, [...(byFolded.get(folded) ?? []), name]);
  }
  const colliding = [...byFolded.values()].filter((names) => names.length > 1).flat();
  if (colliding.length === 0) return;
  throw new JobError("unsupported_query", {
    message: `Several columns have one name: ${colliding.map((name) => `"${name}"`).join(", ")}.`,
    hint: "Give each a name of its own with AS; upper and lower case make no difference.",
    columns: [...new Set(colliding)],
  });
}
