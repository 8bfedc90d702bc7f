import { existsSync } from "node:fs";
import { dirname } from "node:path";
import Database, { type Database as OpenDatabase } from "better-sqlite3";
import { JobError } from "../../../model/job-error.js";

export interface DatabaseFile {
  readonly path: string;
  readonly readOnly: boolean;
}

/** Gives null for a file that is not there but may be made: it has no tables and no commits. */
export function withFile<R>(file: DatabaseFile, task: (database: OpenDatabase | null) => R): R {
  const database = openIfMade(file);
  try {
    return task(database);
  } finally {
    database?.close();
  }
}

/** Null for a file that is not there but may be made. */
export function openIfMade(file: DatabaseFile): OpenDatabase | null {
  if (!file.readOnly && !existsSync(file.path) && existsSync(dirname(file.path))) return null;
  return openFile(file, true);
}

/** @throws JobError `connection_unavailable` where there is no file, or no folder in which to make it. */
export function openFile({ path, readOnly }: DatabaseFile, mustExist: boolean): OpenDatabase {
  if (!existsSync(dirname(path)) || (mustExist && !existsSync(path))) {
    throw new JobError("connection_unavailable", {
      message: `There is no SQLite file "${path}".`,
      hint: existsSync(dirname(path)) ? "Check the path." : "Make its folder first, or check the path.",
      retryable: false,
    });
  }
  // A busy timeout of zero: waiting is ours, so that it can be stopped.
  return new Database(path, { readonly: readOnly, fileMustExist: mustExist, timeout: 0 });
}
