import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterEach, describe, expect, it } from "vitest";
import { inlineWorkerForEsbuild } from "../../build/inline-worker.js";
import { runEchoWorker } from "./fixtures/run-echo-worker.js";

describe("a worker inlined as text", () => {
  const folders: string[] = [];
  afterEach(async () => {
    await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true })));
  });

  it("runs from source under vitest", async () => {
    expect(await runEchoWorker(20)).toEqual({ answer: 41, hasFs: true });
  });

  it("runs from source in a child process, and finds packages from its own file, not from the working directory", async () => {
    const args = [
      "--import",
      join(import.meta.dirname, "../../build/run-source.mjs"),
      join(import.meta.dirname, "fixtures/print-echo-worker.ts"),
    ];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: tmpdir() });
    expect(JSON.parse(stdout)).toEqual({ answer: 11, hasFs: true });
  });

  it.each(["esm", "cjs"] as const)("runs from a bundle in %s, with no file of its own", async (format) => {
    // Inside the checkout, so that packages are found from the bundle.
    const folder = await mkdtemp(join(import.meta.dirname, "bundle-"));
    folders.push(folder);
    const outfile = join(folder, format === "esm" ? "host.mjs" : "host.cjs");
    await build({
      entryPoints: [join(import.meta.dirname, "fixtures/run-echo-worker.ts")],
      outfile,
      bundle: true,
      format,
      platform: "node",
      packages: "external",
      plugins: [inlineWorkerForEsbuild()],
      ...(format === "cjs" ? { define: { "import.meta.url": JSON.stringify(pathToFileURL(outfile).href) } } : {}),
    });
    const bundle = (await import(pathToFileURL(outfile).href)) as {
      runEchoWorker: (input: number) => Promise<unknown>;
    };
    expect(await bundle.runEchoWorker(3)).toEqual({ answer: 7, hasFs: true });
  });
});
