import type { Database as OpenDatabase } from "better-sqlite3";
import type { Settlement } from "../../../ports/job-destination.js";
import { settleUnderLock } from "../destination/commit-settling.js";
import { readState } from "../destination/state-log.js";
import { TableLoad } from "../destination/table-load.js";
import { readTableSchema } from "../destination/table-shape.js";
import { listTables, readColumns } from "../source/read-table.js";
import { explainScan } from "../source/scan-statement.js";
import { TableReading } from "../source/table-reading.js";
import { type DatabaseFile, openFile, withFile } from "./database-file.js";
import { READ_WAIT_MS, whenUnlocked } from "./lock-wait.js";
import { failureOf, plainFailure } from "./sqlite-failure.js";
import type { StopFlag } from "./stop-flag.js";
import type { ThreadAnswers, ThreadReply, ThreadRequest } from "./thread-messages.js";
import type { SendRows } from "./wire-batch.js";

type Answer = ThreadAnswers[ThreadRequest["do"]];

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
  private last: Promise<unknown> = Promise.resolve();
  private writing: Writing | undefined;
  private reading: TableReading | undefined;

  /** @param send takes the rows of scans. */
  constructor(
    private readonly stop: StopFlag,
    private readonly send: SendRows,
  ) {}

  reply(request: ThreadRequest): Promise<ThreadReply> {
    const reply = this.last.then(() => this.replyNext(request));
    this.last = reply;
    return reply;
  }

  private async replyNext(request: ThreadRequest): Promise<ThreadReply> {
    const file = "file" in request ? request.file : (this.writing?.file ?? this.reading?.file);
    try {
      return { answer: await this.answer(request) };
    } catch (error) {
      // A scan that fails, or is stopped, leaves the moment in which it read to the next one.
      if (request.do !== "plan" && request.do !== "scan") this.endAll();
      return { failure: plainFailure(error, file?.path ?? "", failureOf(request.do)) };
    }
  }

  private answer(request: ThreadRequest): Answer | Promise<Answer> {
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
      case "tables":
        return withFile(request.file, (database) => {
          if (database === null) return [];
          return whenUnlocked(this.stop, () => listTables(database), READ_WAIT_MS);
        });
      case "columns":
        return withFile(request.file, (database) => {
          if (database === null) return null;
          return whenUnlocked(this.stop, () => readColumns(database, request.table), READ_WAIT_MS);
        });
      case "explain":
        return withFile(request.file, (database) => {
          return whenUnlocked(this.stop, () => explainScan(database, request.table, request.wanted), READ_WAIT_MS);
        });
      case "look":
        this.reading = TableReading.begin(request.file, this.stop);
        return null;
      case "plan":
        return this.look().plan(request.table, request.wanted);
      case "scan":
        return this.look().scan(this.send);
      case "abandon":
        this.endAll();
        return null;
    }
  }

  private look(): TableReading {
    if (this.reading === undefined) throw new TypeError("nothing is being read");
    return this.reading;
  }

  private load(): TableLoad {
    if (this.writing === undefined) throw new TypeError("there is no write in progress");
    return this.writing.load;
  }

  private endAll(): void {
    this.endWriting();
    this.reading?.end();
    this.reading = undefined;
  }

  /** Closing rolls back what is not committed. */
  private endWriting(): void {
    const database = this.writing?.database;
    this.writing = undefined;
    database?.close();
  }
}

function beginWriting({ file, load }: ThreadRequest & { do: "begin" }, stop: StopFlag): Writing {
  const database = openFile(file, false);
  try {
    return { file, database, load: TableLoad.begin(database, load, stop) };
  } catch (error) {
    database.close();
    throw error;
  }
}
