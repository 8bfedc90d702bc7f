import { fork, type ChildProcess } from "node:child_process";
import { afterAll } from "vitest";
import { bundledProcess } from "../../support/bundled-process.js";

const bundle = await bundledProcess(new URL("./job-store-child.ts", import.meta.url));
afterAll(() => bundle[Symbol.asyncDispose]());

export const STORE_CHILD = bundle.path;

/** Another process with the same ledger. */
export interface StoreProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  /** All it said so far. */
  readonly said: Readonly<Record<string, unknown>>[];
  /** Resolves with the first message that has this key. */
  heard(key: string): Promise<Readonly<Record<string, unknown>>>;
  /** Resolves when it is dead and all it said was heard. */
  readonly ended: Promise<unknown>;
  /** Kills it, and waits for its end. */
  kill(): Promise<void>;
}

export function storeProcess(path: string, task: string, options: { readonly uid?: number } = {}): StoreProcess {
  const child = fork(STORE_CHILD, [path, task], { execArgv: [], ...options });
  const said: Readonly<Record<string, unknown>>[] = [];
  child.on("message", (message: Record<string, unknown>) => said.push(message));
  // What it said last is heard between its end and the end of the channel.
  const ended = Promise.all(
    ["exit", "disconnect"].map((event) => new Promise((resolve) => child.once(event, resolve))),
  );
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };
  return {
    child,
    said,
    ended,
    kill,
    heard: (key) =>
      new Promise((resolve, reject) => {
        const look = (message: Readonly<Record<string, unknown>>): void => {
          if (key in message) resolve(message);
        };
        said.forEach(look);
        child.on("message", look);
        void ended.then(() =>
          reject(new Error(`The process ended without "${key}": ${JSON.stringify(said.slice(-3))}`)),
        );
      }),
    [Symbol.asyncDispose]: kill,
  };
}
