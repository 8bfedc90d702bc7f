// A thread that brings the pages of a ledger's write-ahead log into its file. See wal-checkpoints.ts.
import { parentPort, workerData } from "node:worker_threads";
import Sqlite from "better-sqlite3";

const { path } = workerData as { readonly path: string };
const database = new Sqlite(path, { timeout: 0, fileMustExist: true });

parentPort?.on("message", () => {
  try {
    // Waits for nobody, and lets readers and writers go on.
    database.pragma("wal_checkpoint(passive)");
  } catch {
    // Somebody else is at it, or the disk fails: then the ledger's own writes fail, and say so.
  }
  parentPort?.postMessage("done");
});
