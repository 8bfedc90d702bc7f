import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createConnection, createServer, type AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export interface RedisServer extends AsyncDisposable {
  readonly port: number;
}

/**
 * A Redis server of this process's own, with Redis' default for durability: snapshots, so that a crash loses the last
 * minutes. Or why there is none.
 */
export async function startRedis(folder: string): Promise<RedisServer | string> {
  try {
    createRequire(import.meta.url).resolve("ioredis");
  } catch {
    return "the package ioredis, which BullMQ needs for Redis, is not installed";
  }
  const port = await freePort();
  const server = spawn("redis-server", ["--port", `${port}`, "--dir", folder], { stdio: "ignore" });
  const failed = new Promise<string>((resolve) => {
    server.once("error", () => resolve("redis-server, of the system's package of that name, is not installed"));
    server.once("exit", (code) => resolve(`redis-server ended with ${code}`));
  });
  const reason = await Promise.race([failed, answers(port)]);
  if (reason !== undefined) return reason;
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      if (server.exitCode !== null) return;
      server.kill();
      await once(server, "exit");
    },
  };
}

async function answers(port: number): Promise<undefined> {
  for (;;) {
    const socket = createConnection(port, "127.0.0.1");
    try {
      await once(socket, "connect");
      return;
    } catch {
      await sleep(20);
    } finally {
      socket.destroy();
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
