import { once } from "node:events";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { build } from "esbuild";
import { expect, it } from "vitest";
import { inlineWorkerForEsbuild } from "../../../build/inline-worker.js";
import { lance } from "../../../src/adapters/lance/entry.js";

it("is read only in a worker thread, where its lock would not outlive a commit", async () => {
  expect(lance("lake").capabilities).toMatchObject({ read: true, write: "transactional" });
  // Inside the checkout, where the packages are found that it imports.
  const outfile = join(import.meta.dirname, "../../../.tmp", `lance-${crypto.randomUUID()}.mjs`);
  await build({
    entryPoints: [fileURLToPath(new URL("../../../src/adapters/lance/entry.ts", import.meta.url))],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    packages: "external",
    plugins: [inlineWorkerForEsbuild()],
  });
  const source = `import(${JSON.stringify(pathToFileURL(outfile).href)}).then(({ lance }) =>
    require("node:worker_threads").parentPort.postMessage(lance("lake").capabilities))`;
  const worker = new Worker(source, { eval: true });
  const [capabilities] = (await once(worker, "message")) as [unknown];
  expect(capabilities).toMatchObject({
    read: true,
    write: "read_only",
    writeHint: expect.stringContaining("main thread") as string,
  });
  await worker.terminate();
  await rm(outfile);
});
