import { parentPort } from "node:worker_threads";
import { KeyIndex } from "./key-index.js";
import type { KeyReply, KeyRequest } from "./key-messages.js";

// The whole thread. Keys are looked at row by row, which would hold up the host (law 8).
serve(new KeyIndex());

function serve(index: KeyIndex): void {
  parentPort?.on("message", (request: KeyRequest) => {
    if (request.do === "add") index.add(request.columns, request.rows);
    else parentPort?.postMessage(index.finish() satisfies KeyReply);
  });
}
