import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

const RUN_SOURCE = fileURLToPath(new URL("../../build/run-source.mjs", import.meta.url));

/** Starts a TypeScript module of the tests as a process of its own, over the sources. It gets `plan` as JSON in its first argument. */
export function sourceProcess(module: URL, plan: unknown): ChildProcess {
  return fork(fileURLToPath(module), [JSON.stringify(plan)], {
    execArgv: ["--import", RUN_SOURCE],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
}
