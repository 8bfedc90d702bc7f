import Sqlite from "better-sqlite3";
import * as kysely from "kysely";
import { describe, expect, it } from "vitest";
import { ledgerTables } from "../../../src/adapters/sql/ledger-schema.js";
import { ledgerStatements } from "../../../src/adapters/sqlite/ledger/ledger-statements.js";
import { migrate } from "../../../src/adapters/sqlite/ledger/migrate.js";
import { sqliteMigrations } from "../../../src/adapters/sqlite/ledger/sqlite-migrations.js";

const tablePrefix = "millrace_";
const SCAN = /\bSCAN (runs|run_\w+|schedules|occurrences|o\b|backfills|sessions)/;
const tables = ledgerTables(tablePrefix);
const plan = { tablePrefix, tables, migrate: "run", besideOtherTables: false } as const;

/** How SQLite carries out each statement of the ledger. */
function plans(analyze: boolean): ReadonlyMap<string, string> {
  const database = new Sqlite(":memory:");
  migrate(database, { ...plan, migrations: sqliteMigrations(tablePrefix, tables) }, 0);
  if (analyze) {
    // Statistics, should anybody make some, must not change the plans for the worse.
    database.exec(`with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000)
      insert into millrace_runs (id, job_name, definition_hash, status, listed_as, attempt, recoveries, priority, connections,
        queue, created_at, finished_at, epoch, last_event_seq)
      select 'r' || i, 'j' || (i % 3), 'h', s, s, 1, 0, 0, '["m"]', iif(i % 6, null, 'ready'), i, iif(i % 6, i, null), 1, 1
      from (select i, iif(i % 6, 'succeeded', 'pending') as s from n);
      analyze`);
  }
  const statements = Object.entries(ledgerStatements(database, tablePrefix, kysely));
  return new Map(
    statements.map(([name, { source }]) => {
      const bound = [...source.matchAll(/@(\w+)/g)].map(([, parameter]) => [parameter, 1]);
      const given = bound.length > 0 ? [Object.fromEntries(bound)] : [...source.matchAll(/\?/g)].map(() => 1);
      const steps = database.prepare(`explain query plan ${source}`).all(...given) as { readonly detail: string }[];
      return [name, steps.map(({ detail }) => detail.replaceAll("millrace_", "")).join("; ")];
    }),
  );
}

describe.each([false, true])("with 1 M pending and 5 M finished runs (statistics: %s)", (analyze) => {
  it("no statement goes through a whole table or an unordered index", () => {
    const scans = [...plans(analyze)].filter(([, steps]) => SCAN.test(steps));
    // Backfills are few: each is asked for by somebody. Only those of all schedules that ended are not found by an index.
    expect(scans.map(([name]) => name)).toEqual(["allBackfills"]);
  });

  it("only what is small is sorted: the connections of runs whose time has just come, what is under way, backfills", () => {
    const sorts = [...plans(analyze)].filter(([, steps]) => steps.includes("TEMP B-TREE")).map(([name]) => name);
    expect(sorts).toEqual(["pageOfActive", "dueLines", "openOccurrences", "allBackfills"]);
  });

  it.each([
    ["page", "SEARCH runs USING INTEGER PRIMARY KEY (rowid<?)"],
    ["pageOfStatus", "SEARCH runs USING COVERING INDEX runs_listed (listed_as=? AND seq<?)"],
    ["pageOfJob", "SEARCH runs USING COVERING INDEX runs_job (job_name=? AND seq<?)"],
    ["pageOfJobStatus", "SEARCH runs USING COVERING INDEX runs_job_listed (job_name=? AND listed_as=? AND seq<?)"],
    ["pageOfActive", "SEARCH runs USING INDEX runs_active (lease_owner>?); USE TEMP B-TREE FOR ORDER BY"],
    ["overdueRuns", "SEARCH runs USING INDEX runs_deadline (start_deadline>? AND start_deadline<?)"],
    ["readyRuns", "SEARCH runs USING COVERING INDEX runs_ready (connections=?)"],
    ["behindJobGate", "SEARCH runs USING INDEX runs_job_gate (job_gate=?)"],
    ["behindKeyGate", "SEARCH runs USING INDEX runs_key_gate (key_gate=?)"],
    ["leases", "SEARCH runs USING INDEX runs_active (lease_owner>?)"],
    ["cancelRequests", "SEARCH runs USING INDEX runs_active (lease_owner=?)"],
    [
      "finishedRuns",
      "SEARCH runs USING INDEX runs_finished (listed_as=? AND finished_at>? AND finished_at<?); CORRELATED SCALAR SUBQUERY 1; SEARCH redriven USING COVERING INDEX sqlite_autoindex_runs_1 (id=?)",
    ],
    ["plannedSchedules", "SEARCH schedules USING INDEX schedules_due (state=? AND due_at>? AND due_at<?)"],
    [
      "occurrencesOf",
      "SEARCH occurrences USING INDEX occurrences_listed (schedule_id=? AND nominal_at>? AND nominal_at<?); LIST SUBQUERY 1; SCAN json_each VIRTUAL TABLE INDEX 1:; CREATE BLOOM FILTER",
    ],
    [
      "openOccurrences",
      "SEARCH occurrences USING INDEX occurrences_open (schedule_id=? AND state=?); LIST SUBQUERY 1; SCAN json_each VIRTUAL TABLE INDEX 1:; USE TEMP B-TREE FOR ORDER BY",
    ],
    ["occurrencesToStart", "SEARCH occurrences USING INDEX occurrences_under_way (state=?)"],
    [
      "endedOccurrences",
      "SEARCH o USING INDEX occurrences_under_way (state=?); SEARCH r USING INDEX sqlite_autoindex_runs_1 (id=?) LEFT-JOIN",
    ],
    ["openBackfills", "SEARCH backfills USING INDEX backfills_open (ended_at=?)"],
    ["backfillsOf", "SEARCH backfills USING INDEX backfills_listed (schedule_id=?)"],
  ])("%s seeks in its index", (name, steps) => {
    expect(plans(analyze).get(name)).toBe(steps);
  });
});
