import { Worker } from "node:worker_threads";
import type { Database } from "better-sqlite3";
import workerSource from "./checkpoint-worker.ts?worker-source";

/** A checkpoint after so many pages, about; SQLite's own measure. */
const PAGES_BETWEEN = 1_000;
/** Pages that a commit writes whatever is in it. */
const PAGES_OF_COMMIT = 8;
/**
 * When the log is so long, a commit does a checkpoint itself, as SQLite does by default after 1,000 pages: writers that
 * never pause leave the thread no moment at which it could bring in the last page, so that the log would grow for ever.
 */
const PAGES_AT_MOST = 8_000;

/**
 * Brings SQLite's write-ahead log into the file from a thread of its own: it syncs twice, which would stop the event loop
 * for as long as the disk takes. The thread is started by the first that is needed.
 */
export class WalCheckpoints {
  #pages = 0;
  #thread: Worker | undefined;
  #working: Promise<void> | undefined;
  #done = (): void => undefined;
  #failed = false;

  constructor(
    database: Database,
    private readonly path: string,
  ) {
    database.pragma(`wal_autocheckpoint = ${PAGES_AT_MOST}`);
  }

  /** To be called after each commit. @param runs how many it wrote, a page for each, about. */
  committed(runs: number): void {
    this.#pages += PAGES_OF_COMMIT + runs;
    if (this.#pages < PAGES_BETWEEN || this.#working || this.#failed) return;
    this.#pages = 0;
    const thread = (this.#thread ??= this.#start());
    this.#working = new Promise<void>((resolve) => {
      this.#done = resolve;
      thread.postMessage("checkpoint");
    }).finally(() => (this.#working = undefined));
  }

  async close(): Promise<void> {
    await this.#working;
    await this.#thread?.terminate();
  }

  #start(): Worker {
    const workerData = { requireFrom: import.meta.url, path: this.path };
    // Not the host's own flags: a loader of TypeScript, say, would run in the thread.
    const thread = new Worker(workerSource, { eval: true, workerData, execArgv: [], name: "millrace-checkpoint" });
    thread.unref();
    thread.on("message", () => this.#done());
    // Without it the checkpoints are those of the commits.
    const fail = (): void => {
      this.#failed = true;
      this.#done();
    };
    thread.once("error", fail).once("exit", fail);
    return thread;
  }
}
