import { existsSync } from "node:fs";
import { dirname } from "node:path";
import Database, { type Database as OpenDatabase } from "better-sqlite3";
import { JobError } from "../../../model/job-error.js";
import type { Settlement } from "../../../ports/job-destination.js";
import { settleUnderLock } from "./commit-settling.js";
import { whenUnlocked } from "./lock-wait.js";
import { plainFailure } from "./sqlite-failure.js";
import { readState } from "./state-log.js";
import type { StopFlag } from "./stop-flag.js";
import { TableLoad } from "./table-load.js";
import { readTableSchema } from "./table-shape.js";
import type { DatabaseFile, ThreadAnswers, ThreadReply, ThreadRequest } from "./thread-messages.js";

/** For how long a look at the schema waits for a writer that locks out readers too. */
const READ_WAIT_MS = 5_000;

interface Writing {
  readonly file: DatabaseFile;
  readonly database: OpenDatabase;
  readonly load: TableLoad;
}

/**
 * Answers requests inside the worker, one after the other. A file is opened for one task and closed after it, because an
 * open handle outlives a file that is replaced under its name, and would go on writing where nobody looks.
 */
export class ThreadDesk {
  private writing: Writing | undefined;

  constructor(private readonly stop: StopFlag) {}

  reply(request: ThreadRequest): ThreadReply {
    const file = "file" in request ? request.file : this.writing?.file;
    try {
      return { answer: this.answer(request) };
    } catch (error) {
      this.endWriting();
      return { failure: plainFailure(error, file?.path ?? "") };
    }
  }

  private answer(request: ThreadRequest): ThreadAnswers[ThreadRequest["do"]] {
    switch (request.do) {
      case "check":
        return withFile(request.file, (database) => {
          const look = () => database?.prepare("select count(*) from sqlite_schema").get();
          whenUnlocked(this.stop, look, READ_WAIT_MS);
          return null;
        });
      case "schema":
        return withFile(request.file, (database) => {
          if (database === null) return null;
          return whenUnlocked(this.stop, () => readTableSchema(database, request.table), READ_WAIT_MS);
        });
      case "state":
        return withFile(request.file, (database) => {
          if (database === null) return null;
          return whenUnlocked(this.stop, () => readState(database, request.table, request.key), READ_WAIT_MS);
        });
      case "settle":
        return withFile<Settlement>(request.file, (database) => {
          if (database !== null) return settleUnderLock(database, request.commitId, this.stop);
          return { state: "in_doubt", reason: `there is no file "${request.file.path}" to look in` };
        });
      case "begin":
        this.writing = beginWriting(request, this.stop);
        return null;
      case "insert":
        this.load().insert(request.batch);
        return null;
      case "stage":
        return this.load().stage(request.state);
      case "commit":
        this.load().commit();
        this.endWriting();
        return null;
      case "abandon":
        this.endWriting();
        return null;
    }
  }

  private load(): TableLoad {
    if (this.writing === undefined) throw new TypeError("there is no write in progress");
    return this.writing.load;
  }

  /** Closing rolls back what is not committed. */
  private endWriting(): void {
    const database = this.writing?.database;
    this.writing = undefined;
    database?.close();
  }
}

function beginWriting({ file, load }: ThreadRequest & { do: "begin" }, stop: StopFlag): Writing {
  const database = open(file, false);
  try {
    return { file, database, load: TableLoad.begin(database, load, stop) };
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Gives null for a file that is not there but may be made: it has no tables and no commits. */
function withFile<R>(file: DatabaseFile, task: (database: OpenDatabase | null) => R): R {
  if (!file.readOnly && !existsSync(file.path) && existsSync(dirname(file.path))) return task(null);
  const database = open(file, true);
  try {
    return task(database);
  } finally {
    database.close();
  }
}

function open({ path, readOnly }: DatabaseFile, mustExist: boolean): OpenDatabase {
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
