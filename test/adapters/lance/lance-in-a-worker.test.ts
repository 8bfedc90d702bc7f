import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { expect, it } from "vitest";
import { lance } from "../../../src/adapters/lance/entry.js";

it("is read only in a worker thread, where its lock would not outlive a commit", async () => {
  expect(lance("lake").capabilities).toMatchObject({ read: true, write: "transactional" });
  const entry = JSON.stringify(new URL("../../../src/adapters/lance/entry.ts", import.meta.url).href);
  const source = `
    const { parentPort } = require("node:worker_threads");
    require("tsx/esm/api").register();
    import(${entry}).then(({ lance }) => parentPort.postMessage(lance("lake").capabilities));
  `;
  const worker = new Worker(source, { eval: true });
  const [capabilities] = (await once(worker, "message")) as [unknown];
  expect(capabilities).toMatchObject({
    read: true,
    write: "read_only",
    writeHint: expect.stringContaining("main thread") as string,
  });
  await worker.terminate();
});
