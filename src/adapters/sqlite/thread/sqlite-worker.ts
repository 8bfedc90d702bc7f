import { parentPort, workerData } from "node:worker_threads";
import { BatchCredit } from "./batch-credit.js";
import { StopFlag } from "./stop-flag.js";
import { ThreadDesk } from "./thread-desk.js";
import type { ThreadMessage, ThreadRequest } from "./thread-messages.js";
import { wireBatch } from "./wire-batch.js";

interface SharedCells {
  readonly stopCell: Int32Array<SharedArrayBuffer>;
  readonly creditCell: Int32Array<SharedArrayBuffer>;
}

// The whole thread. better-sqlite3 is synchronous, so whatever touches a database file happens here (law 8).
const { stopCell, creditCell } = workerData as SharedCells;
const stop = new StopFlag(stopCell);
const credit = new BatchCredit(creditCell);
const desk = new ThreadDesk(stop, (rows) => {
  credit.spend(stop);
  const { batch, transfer } = wireBatch(rows);
  send({ rows: batch }, transfer);
});

parentPort?.on("message", (request: ThreadRequest) => {
  void desk.reply(request).then((reply) => send(reply));
});

function send(message: ThreadMessage, transfer: readonly ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, transfer);
}
