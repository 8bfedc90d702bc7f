// A process that writes one commit after the other into a DuckDB file, by an engine of its own, until it is killed or has written
// them all. With no commits to write it attaches the file, and holds it until it is killed.
import type { EngineGuest } from "../../../../src/adapters/duckdb/connection-instance.js";
import { duckdb } from "../../../../src/adapters/duckdb/entry.js";
import { isJobError } from "../../../../src/model/job-error.js";
import { duckdbFile } from "../../../support/duckdb-file.js";

/** What the parent tells its child, as JSON in the first argument. */
export interface WriterPlan {
  readonly folder: string;
  /** Begins the ids of its commits, and stands in its rows. */
  readonly name: string;
  readonly commits: number;
  readonly rows: number;
  readonly lockWaitMs: number;
}

/** What the child tells its parent. */
export type WriterReport =
  | { readonly begun: string }
  | { readonly landed: string }
  | { readonly failed: string; readonly code: string; readonly message: string }
  | { readonly held: true };

const plan = JSON.parse(process.argv[2] ?? "") as WriterPlan;
const tell = (report: WriterReport): void => void process.send?.(report);
await using file = await duckdbFile({ folder: plan.folder, lockWaitMs: plan.lockWaitMs });

if (plan.commits === 0) {
  const { instance }: EngineGuest = duckdb(file.path, { access: "read_write" });
  await instance?.useToTheEnd(async ({ files }) => {
    await files.lease({ path: file.path, readOnly: false, create: true, signals: [] });
    tell({ held: true });
    await new Promise(() => setInterval(() => undefined, 1_000));
  });
}
for (let number = 0; number < plan.commits; number += 1) {
  const commitId = `${plan.name}-${number}`;
  tell({ begun: commitId });
  const query = `select '${commitId}' as tag, i from range(${plan.rows}) r(i)`;
  try {
    await file.load("t", query, { commitId, createIfMissing: true });
    tell({ landed: commitId });
  } catch (error) {
    tell({ failed: commitId, code: isJobError(error) ? error.code : "", message: String(error) });
  }
}
process.disconnect?.();
