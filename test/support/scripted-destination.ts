import type { CommitReceipt } from "../../src/model/write-mode.js";
import type { Connection } from "../../src/ports/connection.js";
import type { JobDestination, Settlement, WriteRequest } from "../../src/ports/job-destination.js";
import type { RowStream } from "../../src/ports/row-stream.js";

/** A destination that does what a test tells it, right or wrong. */
export class ScriptedDestination implements JobDestination {
  readonly capabilities = {
    modes: ["append", "overwrite"],
    createsTable: "by_default",
    commitFence: "fenced",
  } as const;
  /** What each settle was asked, and what the next answers are; then `never`. */
  readonly asked: string[] = [];
  readonly answers: (Settlement | Error)[] = [];
  readonly requests: WriteRequest[] = [];

  constructor(private readonly script: (rows: RowStream, request: WriteRequest) => Promise<CommitReceipt>) {}

  schema(): Promise<null> {
    return Promise.resolve(null);
  }

  write(rows: RowStream, request: WriteRequest): Promise<CommitReceipt> {
    this.requests.push(request);
    return this.script(rows, request);
  }

  settleCommit(commitId: string): Promise<Settlement> {
    this.asked.push(commitId);
    const answer = this.answers.shift() ?? { state: "never" };
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  }
}

/** A connection all of whose tables are one destination. */
export function connectionTo(destination: JobDestination): Connection {
  return {
    capabilities: { kind: "scripted", read: false, write: "transactional", tables: "named" },
    destination: () => destination,
    check: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

/** Reads all rows, and says how many. */
export async function drainRows(rows: RowStream): Promise<number> {
  let count = 0;
  for await (const batch of rows) count += batch.numRows;
  return count;
}

/** What a right destination does. */
export async function writeWell(rows: RowStream, request: WriteRequest): Promise<CommitReceipt> {
  const rowsStaged = await drainRows(rows);
  return (await request.permit({ rowsStaged })).committed();
}
