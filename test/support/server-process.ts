import { execFile, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chown, stat } from "node:fs/promises";
import { createServer, Socket, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The variable that names the folder for what is made once on a machine, where `tmpdir()` lasts no longer than the tests. */
export const KEPT_FOLDER = "MILLRACE_KEPT_FOLDER";

export function keptFolder(): string {
  return process.env[KEPT_FOLDER] ?? tmpdir();
}

/** Who a server runs as; empty: who the tests run as. */
export interface ServerUser {
  readonly uid?: number;
  readonly gid?: number;
}

/** Database servers refuse to run as root: then the first of these users that there is. */
export async function serverUser(...names: readonly string[]): Promise<ServerUser> {
  if (process.getuid?.() !== 0) return {};
  for (const name of names) {
    try {
      const [uid, gid] = await Promise.all(
        ["-u", "-g"].map(async (flag) => Number((await run("id", [flag, name])).stdout)),
      );
      if (uid !== undefined && gid !== undefined) return { uid, gid };
    } catch {
      continue;
    }
  }
  throw new Error(`The server does not run as root, and there is no user ${names.join(" nor ")}.`);
}

export function own(path: string, { uid = -1, gid = -1 }: ServerUser): Promise<void> {
  return chown(path, uid, gid);
}

/** Neither it nor its pipes keep the test's process alive. */
export function letGo(process: ChildProcess): void {
  process.unref();
  for (const pipe of process.stdio) if (pipe instanceof Socket) pipe.unref();
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

export function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
