import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { type MariadbServer, startMariadb } from "./mariadb-server.js";
import { type PostgresServer, startPostgres } from "./postgres-server.js";
import { SERVER_CERTIFICATE, SERVER_KEY } from "./server-certificate.js";
import { own, serverUser, type ServerUser } from "./server-process.js";

/** A Postgres that takes encrypted connections, with {@link SERVER_CERTIFICATE}. One that is given, and not made here, is left as it is. */
export async function encryptedPostgres(): Promise<PostgresServer> {
  const server = await startPostgres({ fsync: false });
  if (!server.controlled) return server;
  const data = await valueOf(server.url, "show data_directory");
  const files = await certificateFiles(await stat(data));
  await valueOf(server.url, `alter system set ssl_key_file = '${files.key}'`);
  await valueOf(server.url, `alter system set ssl_cert_file = '${files.certificate}'`);
  await valueOf(server.url, "alter system set ssl = on");
  await valueOf(server.url, "select pg_reload_conf()");
  while ((await valueOf(server.url, "show ssl")) !== "on");
  return withEnd(server, files.remove);
}

/** As {@link encryptedPostgres}. */
export async function encryptedMariadb(): Promise<MariadbServer> {
  const files = await certificateFiles(await serverUser("mysql", "nobody"));
  const settings = { "ssl-cert": files.certificate, "ssl-key": files.key };
  return withEnd(await startMariadb({ fsync: false, settings }), files.remove);
}

interface CertificateFiles {
  readonly key: string;
  readonly certificate: string;
  readonly remove: () => Promise<void>;
}

async function certificateFiles(user: ServerUser): Promise<CertificateFiles> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-certificate-"));
  const [key, certificate] = [join(folder, "key"), join(folder, "certificate")];
  await writeFile(key, SERVER_KEY, { mode: 0o600 });
  await writeFile(certificate, SERVER_CERTIFICATE);
  for (const path of [key, certificate, folder]) await own(path, user);
  return { key, certificate, remove: () => rm(folder, { recursive: true, force: true }) };
}

function withEnd<S extends AsyncDisposable>(server: S, end: () => Promise<void>): S {
  const dispose = async (): Promise<void> => {
    await server[Symbol.asyncDispose]();
    await end();
  };
  return { ...server, [Symbol.asyncDispose]: dispose };
}

async function valueOf(url: string, text: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  const { rows } = await client.query<Record<string, string>>(text).finally(() => client.end());
  return Object.values(rows[0] ?? {})[0] ?? "";
}
