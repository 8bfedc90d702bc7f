import { parentPort, workerData } from "node:worker_threads";
import { StopFlag } from "./stop-flag.js";
import { ThreadDesk } from "./thread-desk.js";
import type { ThreadRequest } from "./thread-messages.js";

// The whole thread. better-sqlite3 is synchronous, so whatever touches a database file happens here (law 8).
const { stopCell } = workerData as { readonly stopCell: Int32Array<SharedArrayBuffer> };
const desk = new ThreadDesk(new StopFlag(stopCell));
parentPort?.on("message", (request: ThreadRequest) => {
  parentPort?.postMessage(desk.reply(request));
});
