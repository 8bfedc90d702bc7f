import { parentPort } from "node:worker_threads";
import { ThreadDesk } from "./thread-desk.js";
import type { ThreadRequest } from "./thread-messages.js";

// The whole thread. better-sqlite3 is synchronous, so whatever touches a database file happens here (law 8).
const desk = new ThreadDesk();
parentPort?.on("message", (request: ThreadRequest) => {
  parentPort?.postMessage(desk.reply(request));
});
