import { execFile, spawn, type ChildProcess, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { tmpdir, userInfo } from "node:os";
import { promisify } from "node:util";
import { createConnection } from "mysql2/promise";
import { exists, freePort, keptFolder, letGo, own, serverUser, type ServerUser } from "./server-process.js";

const run = promisify(execFile);
const USER = "millrace";
const PASSWORD = "millrace-tests";

/** A MariaDB server of the test's own, which ends with the test's process, however that ends. */
export interface MariadbServer extends AsyncDisposable {
  /** Of a user with every right, with its password, to the database `mysql`. */
  readonly url: string;
  /** False for the server of `MILLRACE_MYSQL_URL`, which nobody here may stop: the four calls below then throw. */
  readonly controlled: boolean;
  /** An empty database; resolves to its url. */
  createDatabase(): Promise<string>;
  start(): Promise<void>;
  /** In order: open transactions are rolled back, connections closed. */
  stop(): Promise<void>;
  /** At once, as in a crash: the next start recovers from the log. */
  kill(): Promise<void>;
  /** Stop (or kill) and start, on the same port. */
  restart(how?: "stop" | "kill"): Promise<void>;
}

export interface MariadbServerOptions {
  /** Whether a commit reaches the disk, as in production. Default true. Without, it still outlives `kill`. */
  readonly fsync?: boolean;
  /** Variables of the server, as `local_infile: "0"`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Hears what the server logs. */
  readonly onLog?: (text: string) => void;
}

/** Why no server can be started here; undefined: one can. */
export function mysqlMissing(): string | undefined {
  if (process.env["MILLRACE_MYSQL_URL"] !== undefined) return undefined;
  const missing = [SERVER, INSTALLER].filter((name) => found(name) === undefined);
  return missing.length === 0
    ? undefined
    : `${missing.join(" and ")} of MariaDB is not installed, and MILLRACE_MYSQL_URL names no server`;
}

export async function startMariadb(options: MariadbServerOptions = {}): Promise<MariadbServer> {
  const given = process.env["MILLRACE_MYSQL_URL"];
  if (given !== undefined) return givenServer(given);
  const server = await ownServer(options);
  try {
    await server.start();
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

async function ownServer({ fsync = true, settings = {}, onLog }: MariadbServerOptions): Promise<MariadbServer> {
  const user = await serverUser("mysql", "nobody");
  const folder = await mkdtemp(join(tmpdir(), "millrace-mariadb-"));
  await own(folder, user);
  const [data, pidFile, socket] = ["data", "pid", "socket"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const guard = startGuard(folder, pidFile, user);
  await run("cp", ["-R", await templateFolder(user), data], user);
  const port = await freePort();
  const durability = fsync ? {} : { innodb_flush_method: "nosync", innodb_flush_log_at_trx_commit: "2" };
  const all = {
    datadir: data,
    "pid-file": pidFile,
    socket,
    tmpdir: folder,
    port,
    ...SETTINGS,
    ...durability,
    ...settings,
  };
  const flags = Object.entries(all).map(([key, value]) => `--${key}=${value}`);
  const url = `mysql://${USER}:${PASSWORD}@127.0.0.1:${port}/mysql`;
  let server: ChildProcess | undefined;

  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const ending = server;
    server = undefined;
    if (ending?.exitCode !== null || ending.signalCode !== null) return;
    const exit = once(ending, "exit");
    ending.ref();
    ending.kill(signal);
    await exit;
    // Left behind, it would name a process that is somebody else's later.
    await rm(pidFile, { force: true });
  };
  const start = async (): Promise<void> => {
    server ??= await launched(spawn(found(SERVER) ?? SERVER, ["--no-defaults", ...flags], user), onLog);
  };
  const stop = (): Promise<void> => end("SIGTERM");
  const kill = (): Promise<void> => end("SIGKILL");
  return {
    url,
    controlled: true,
    createDatabase: () => createDatabase(url),
    start,
    stop,
    kill,
    restart: async (how = "stop") => {
      await (how === "stop" ? stop() : kill());
      await start();
    },
    [Symbol.asyncDispose]: async () => {
      await kill();
      // The guard removes the folder, in its own time.
      guard.stdin?.end();
    },
  };
}

const LOG_BYTES = "16M";

const SETTINGS = {
  "bind-address": "127.0.0.1",
  "skip-name-resolve": "1",
  local_infile: "1",
  "character-set-server": "utf8mb4",
  max_connections: "200",
  performance_schema: "0",
  innodb_buffer_pool_size: "64M",
  innodb_log_file_size: LOG_BYTES,
  aria_pagecache_buffer_size: "8M",
  key_buffer_size: "1M",
};

// Holds the read end of a pipe: when this process ends, also by SIGKILL, the pipe ends and the guard cleans up.
function startGuard(folder: string, pidFile: string, user: ServerUser): ChildProcess {
  const script = `
    read -r _
    if [ -f "$2" ]; then
      pid="$(cat "$2")"
      kill -KILL "$pid"
      tries=0
      while kill -0 "$pid" 2>/dev/null && [ "$tries" -lt 100 ]; do sleep 0.05; tries=$((tries + 1)); done
    fi
    rm -rf "$1"`;
  const guard = spawn("sh", ["-c", script, "sh", folder, pidFile], { ...user, cwd: "/", detached: true });
  letGo(guard);
  return guard;
}

async function launched(server: ChildProcessWithoutNullStreams, onLog?: (text: string) => void): Promise<ChildProcess> {
  let log = "";
  const ready = new Promise<void>((resolve, reject) => {
    server.stderr.setEncoding("utf8").on("data", (text: string) => {
      onLog?.(text);
      log = (log + text).slice(-4_000);
      if (log.includes("ready for connections")) resolve();
    });
    server.once("exit", () => reject(new Error(`MariaDB did not start:\n${log}`)));
    server.once("error", reject);
  });
  await ready;
  letGo(server);
  return server;
}

// Made once on a machine, since it takes half a second; under its name only when it is whole.
async function templateFolder(user: ServerUser): Promise<string> {
  const { stdout } = await run(found(SERVER) ?? SERVER, ["--no-defaults", "--version"]);
  const version = /\d[\d.]*/.exec(stdout)?.[0] ?? "unknown";
  const template = join(keptFolder(), `millrace-mariadb-template-${version}-${user.uid ?? userInfo().uid}`);
  if (await exists(template)) return template;
  const making = await mkdtemp(join(keptFolder(), "millrace-mariadb-making-"));
  await own(making, user);
  const users = join(making, "users.sql");
  await writeFile(
    users,
    `flush privileges;
     create user ${USER}@'%' identified by '${PASSWORD}';
     grant all on *.* to ${USER}@'%' with grant option;`,
  );
  const data = join(making, "data");
  const flags = ["--skip-test-db", "--skip-name-resolve", "--auth-root-authentication-method=normal"];
  await run(
    found(INSTALLER) ?? INSTALLER,
    ["--no-defaults", `--datadir=${data}`, `--extra-file=${users}`, `--innodb-log-file-size=${LOG_BYTES}`, ...flags],
    { ...user, cwd: "/" },
  );
  await rename(data, template).catch(async (error: unknown) => {
    if (!(await exists(template))) throw error;
  });
  await rm(making, { recursive: true, force: true });
  return template;
}

function givenServer(url: string): MariadbServer {
  const databases: string[] = [];
  const refuse = async (): Promise<never> => {
    throw new Error("MILLRACE_MYSQL_URL names a server that no test may stop.");
  };
  return {
    url,
    controlled: false,
    createDatabase: async () => {
      const made = await createDatabase(url);
      databases.push(new URL(made).pathname.slice(1));
      return made;
    },
    start: refuse,
    stop: refuse,
    kill: refuse,
    restart: refuse,
    [Symbol.asyncDispose]: async () => {
      for (const name of databases) await query(url, `drop database if exists ${name}`);
    },
  };
}

async function createDatabase(url: string): Promise<string> {
  const name = `test_${crypto.randomUUID().replaceAll("-", "")}`;
  await query(url, `create database ${name} character set utf8mb4`);
  return Object.assign(new URL(url), { pathname: `/${name}` }).href;
}

async function query(url: string, text: string): Promise<void> {
  const connection = await createConnection(url);
  connection.on("error", () => undefined);
  await connection.query(text).finally(() => connection.end());
}

const SERVER = "mariadbd";
const INSTALLER = "mariadb-install-db";

/** Servers often lie where no user's search path looks. */
function found(program: string): string | undefined {
  const folders = [
    ...(process.env["PATH"] ?? "").split(delimiter),
    "/usr/sbin",
    "/usr/local/sbin",
    "/opt/homebrew/bin",
  ];
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}
