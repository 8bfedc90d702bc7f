import { build } from "esbuild";
import { fork, type ChildProcess } from "node:child_process";
import { rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { inlineWorkerForEsbuild } from "../../build/inline-worker.js";

const ROOT = join(import.meta.dirname, "../..");

/** A TypeScript module of the tests that is started often: made into one file first, it starts several times as fast. */
export interface BundledProcess extends AsyncDisposable {
  /** The one file. */
  readonly path: string;
  /** Starts it as a process of its own, with `plan` as JSON in its first argument. */
  start(plan: unknown): ChildProcess;
}

export async function bundledProcess(module: URL): Promise<BundledProcess> {
  const path = fileURLToPath(module);
  // Inside the checkout, where the packages are found that it imports.
  const outfile = join(ROOT, ".tmp", `${basename(path, ".ts")}-${crypto.randomUUID()}.mjs`);
  await build({
    entryPoints: [path],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    packages: "external",
    plugins: [inlineWorkerForEsbuild()],
    logLevel: "error",
  });
  return {
    path: outfile,
    start: (plan) =>
      fork(outfile, [JSON.stringify(plan)], { execArgv: [], stdio: ["ignore", "ignore", "inherit", "ipc"] }),
    [Symbol.asyncDispose]: () => rm(outfile, { force: true }),
  };
}
