import Database from "better-sqlite3";
import { existsSync } from "node:fs";
import type { CommitRow, WrittenRows } from "./history.js";
import type { DestinationFiles } from "./messages.js";

/** What all destinations hold, read beside them. */
export function readDestinations(files: DestinationFiles): {
  readonly written: readonly WrittenRows[];
  readonly commits: readonly CommitRow[];
} {
  const written: WrittenRows[] = [];
  const commits: CommitRow[] = [];
  for (const path of [files.a, files.b, files.late].filter(existsSync)) {
    const database = new Database(path, { timeout: 5_000 });
    try {
      const tables = database.prepare<[], string>("select name from sqlite_master where type = 'table'").pluck().all();
      for (const table of tables) {
        if (table === "_millrace_commits") {
          const select = "select commit_id as commitId, state, rows_written as rowsWritten from _millrace_commits";
          commits.push(...database.prepare<[], CommitRow>(select).all());
        } else {
          const select = `select tag, count(*) as rows, count(distinct n) as "distinct" from "${table}" group by tag`;
          written.push(...database.prepare<[], WrittenRows>(select).all());
        }
      }
    } finally {
      database.close();
    }
  }
  return { written, commits };
}
