import Database from "better-sqlite3";
import { setTimeout as pause } from "node:timers/promises";
import { batchRows, type PlainRow } from "../../src/model/batch-values.js";
import { JobError } from "../../src/model/job-error.js";
import type { TableSchema } from "../../src/model/table-schema.js";
import type { Connection } from "../../src/ports/connection.js";
import type { JobDestination } from "../../src/ports/job-destination.js";

const SCHEMA: TableSchema = {
  columns: [
    { name: "tag", type: { kind: "text" }, nullable: true },
    { name: "n", type: { kind: "integer", bits: 64, signed: true }, nullable: true },
  ],
};

/**
 * A SQLite file whose commits are on their way for a while: no lock is held between the permit and the commit, as with a
 * far away system. So others meet a run that is committing, and only the fence, the commit's row with its unique key,
 * stands between a commit that was given up and its landing.
 *
 * @param longestMs how long a commit is on its way at most.
 */
export function lateConnection(path: string, longestMs: number, random: () => number): Connection {
  let opened: Database.Database | undefined;
  const database = (): Database.Database => {
    opened ??= new Database(path, { timeout: 0 }).defaultSafeIntegers();
    return opened;
  };
  const atOnce = async <T>(act: (file: Database.Database) => T): Promise<T> => {
    for (;;) {
      try {
        const file = database();
        return file
          .transaction(() => {
            file.exec(`create table if not exists rows (tag text, n integer);
              create table if not exists _millrace_commits
                (commit_id text primary key, state text not null, rows_written integer not null)`);
            return act(file);
          })
          .immediate();
      } catch (error) {
        if (!(error instanceof Database.SqliteError) || !error.code.startsWith("SQLITE_BUSY")) throw error;
        // No busy timeout: it would stop the event loop, and with it the leases.
        await pause(1 + random() * 5);
      }
    }
  };
  const insertCommit = "insert into _millrace_commits (commit_id, state, rows_written) values (?, ?, ?)";

  const destination: JobDestination = {
    capabilities: { modes: ["append"], createsTable: "by_default", commitFence: "fenced" },
    schema: () => Promise.resolve(SCHEMA),
    write: async (rows, { commitId, schema, permit }) => {
      const staged: PlainRow[] = [];
      for await (const batch of rows) staged.push(...batchRows(batch, schema));
      const granted = await permit({ rowsStaged: staged.length });
      await pause(random() * longestMs);
      await atOnce((file) => {
        if (file.prepare("select 1 from _millrace_commits where commit_id = ?").get(commitId) !== undefined) {
          throw new JobError("destination_failed", {
            message: `Commit ${commitId} landed already, or was given up.`,
            hint: "",
            retryable: true,
          });
        }
        file.prepare(insertCommit).run(commitId, "committed", staged.length);
        const insert = file.prepare("insert into rows (tag, n) values (?, ?)");
        for (const { tag, n } of staged) insert.run(tag, n);
      });
      return granted.committed();
    },
    settleCommit: (commitId) =>
      atOnce((file) => {
        const found = file
          .prepare<[string], { state: string; rows_written: bigint }>(
            "select * from _millrace_commits where commit_id = ?",
          )
          .get(commitId);
        if (found?.state === "committed") {
          const rowsWritten = Number(found.rows_written);
          return { state: "committed", receipt: { commitId, rowsWritten, snapshotId: null } } as const;
        }
        if (found === undefined) file.prepare(insertCommit).run(commitId, "never", 0);
        return { state: "never" } as const;
      }),
  };
  return {
    capabilities: { kind: "late", read: false, write: "transactional", tables: "named" },
    destination: (table) => (table === "rows" ? destination : undefined),
    check: () => Promise.resolve(),
    close: () => {
      opened?.close();
      opened = undefined;
      return Promise.resolve();
    },
  };
}
