import Sqlite from "better-sqlite3";
import * as kysely from "kysely";
import { describe, expect, it } from "vitest";
import { migrate } from "../../../src/adapters/sqlite/ledger/migrate.js";
import { MIGRATIONS } from "../../../src/adapters/sqlite/ledger/migrations.js";
import { prepareStatements } from "../../../src/adapters/sqlite/ledger/statements.js";

/** How SQLite carries out each statement of the ledger. */
function plans(analyze: boolean): ReadonlyMap<string, string> {
  const database = new Sqlite(":memory:");
  migrate(database, MIGRATIONS, 0);
  if (analyze) {
    // Statistics, should anybody make some, must not change the plans for the worse.
    database.exec(`with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000)
      insert into runs (id, job_name, definition_hash, status, attempt, recoveries, priority, queue, created_at, finished_at, epoch, last_event_seq)
      select 'r' || i, 'j' || (i % 3), 'h', iif(i % 6, 'succeeded', 'pending'), 1, 0, 0, iif(i % 6, null, 'ready'), i, iif(i % 6, i, null), 1, 1 from n;
      analyze`);
  }
  const statements = Object.entries(prepareStatements(database, kysely));
  return new Map(
    statements.map(([name, { source }]) => {
      const bound = Object.fromEntries([...source.matchAll(/@(\w+)/g)].map(([, parameter]) => [parameter, 1]));
      const steps = database.prepare(`explain query plan ${source}`).all(bound) as { readonly detail: string }[];
      return [name, steps.map(({ detail }) => detail).join("; ")];
    }),
  );
}

describe.each([false, true])("with 1 M pending and 5 M finished runs (statistics: %s)", (analyze) => {
  it("no statement goes through a whole table or an unordered index", () => {
    const scans = [...plans(analyze)].filter(([, plan]) => /\bSCAN (?!CONSTANT ROW)/.test(plan)).map(([name]) => name);
    // Ready runs stand in the order in which they are claimed: the scan of that index ends at the limit.
    expect(scans).toEqual(["readyRuns"]);
    expect(plans(analyze).get("readyRuns")).toBe("SCAN runs USING COVERING INDEX runs_ready");
  });

  it("only what is small is sorted: the live leases, and the runs whose time has just come", () => {
    const sorts = [...plans(analyze)].filter(([, plan]) => plan.includes("TEMP B-TREE")).map(([name]) => name);
    expect(sorts).toEqual(["wakeRuns", "leases"]);
  });

  it.each([
    ["page", "SEARCH runs USING INTEGER PRIMARY KEY (rowid<?)"],
    ["pageOfStatus", "SEARCH runs USING COVERING INDEX runs_status (status=? AND seq<?)"],
    ["pageOfJob", "SEARCH runs USING COVERING INDEX runs_job (job_name=? AND seq<?)"],
    ["pageOfJobStatus", "SEARCH runs USING COVERING INDEX runs_job_status (job_name=? AND status=? AND seq<?)"],
    ["overdueRuns", "SEARCH runs USING INDEX runs_deadline (start_deadline>? AND start_deadline<?)"],
    ["nextRunAt", "SEARCH runs USING COVERING INDEX runs_waiting (run_at>?)"],
    ["finishedRuns", "SEARCH runs USING COVERING INDEX runs_finished (finished_at>? AND finished_at<?)"],
  ])("%s seeks in its index", (name, plan) => {
    expect(plans(analyze).get(name)).toBe(plan);
  });
});
