import { accessSync, chmodSync, constants, mkdirSync, readdirSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KEPT_FOLDER } from "./server-process.js";

const MEMORY = "/dev/shm";
/** Several times what a run of all tests holds at once. */
const LEAST_BYTES = 4 * 1024 ** 3;
const NAME = /^millrace-tests-(\d+)$/;

const folder = join(MEMORY, `millrace-tests-${process.pid}`);

/**
 * Before all tests: their temporary files go into memory, where there is enough of it and nobody set `TMPDIR`. Tests kill
 * processes, not machines, so that nothing of what they prove is a matter of disks; the time of most of them is.
 */
export function setup(): void {
  if (process.env["TMPDIR"] !== undefined || !hasMemory()) return;
  for (const name of readdirSync(MEMORY)) {
    if (isLeft(name)) rmSync(join(MEMORY, name), { recursive: true, force: true });
  }
  mkdirSync(folder);
  // As `/tmp`: servers run as users of their own.
  chmodSync(folder, 0o1777);
  process.env[KEPT_FOLDER] = tmpdir();
  process.env["TMPDIR"] = folder;
}

/** After all tests: with whatever they left. */
export function teardown(): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

function hasMemory(): boolean {
  try {
    accessSync(MEMORY, constants.W_OK);
    const { bavail, bsize } = statfsSync(MEMORY);
    return bavail * bsize >= LEAST_BYTES;
  } catch {
    return false;
  }
}

/** Whether it is the folder of a run that was killed. */
function isLeft(name: string): boolean {
  const pid = Number(NAME.exec(name)?.[1]);
  if (Number.isNaN(pid)) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}
