import { chown, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { postgres } from "../../../../src/adapters/postgres/postgres.js";
import { describePostgres } from "../../../support/describe-postgres.js";
import { startPostgres, type PostgresServer } from "../../../support/postgres-server.js";
import { reader } from "../destination/loads.js";
import { NEVER_ABORTED, scanned, values } from "./reads.js";
import { SERVER_CERTIFICATE, SERVER_KEY } from "./server-certificate.js";

describePostgres("a Postgres source behind an encrypted connection", () => {
  let server: PostgresServer;
  let folder: string;
  beforeAll(async () => {
    server = await startPostgres({ fsync: false });
    folder = await mkdtemp(join(tmpdir(), "millrace-certificate-"));
    if (!server.controlled) return;
    await using own = await reader(server.url);
    const [data] = await own.values("show data_directory");
    const { uid, gid } = await stat(data!);
    for (const [setting, text] of [
      ["ssl_key_file", SERVER_KEY],
      ["ssl_cert_file", SERVER_CERTIFICATE],
    ] as const) {
      const file = join(folder, setting);
      await writeFile(file, text, { mode: 0o600 });
      await chown(file, uid, gid);
      await own.client.query(`alter system set ${setting} = '${file}'`);
    }
    await chown(folder, uid, gid);
    await own.client.query("alter system set ssl = on");
    await own.client.query("select pg_reload_conf()");
    while ((await reader(server.url).then(sslOf)) !== "on");
    await own.client.query("create table t as select n, repeat('x', 100) as text from generate_series(1, 50000) n");
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it("reads as it does otherwise", async () => {
    if (!server.controlled) return;
    const crm = postgres({ connectionString: server.url, ssl: { ca: SERVER_CERTIFICATE } });
    const encrypted = { columns: ["ssl"], filters: [] };
    await using own = await reader(server.url);
    await own.client.query("create view own_session as select ssl::text from pg_stat_ssl where pid = pg_backend_pid()");
    expect(await values(crm, "own_session", encrypted)).toEqual(["true"]);
    const batches = await scanned(crm, "t", { columns: ["n", "text"] });
    expect(batches.reduce((sum, { numRows }) => sum + numRows, 0)).toBe(50_000);
    expect(await values(crm, "t", { columns: ["n"], limit: 1 })).toEqual([1]);
    await crm.close();
  });

  it("does not trust a server that nobody vouches for", async () => {
    if (!server.controlled) return;
    const crm = postgres({ connectionString: server.url, ssl: true });
    await expect(scanned(crm, "t", { columns: ["n"] })).rejects.toMatchObject({
      code: "connection_unavailable",
      message: expect.stringMatching(/self-signed certificate/) as string,
    });
    await expect(crm.check(NEVER_ABORTED)).rejects.toMatchObject({ code: "connection_unavailable" });
    await crm.close();
  });
});

async function sslOf(own: Awaited<ReturnType<typeof reader>>): Promise<string | null | undefined> {
  const [ssl] = await own.values("show ssl");
  await own[Symbol.asyncDispose]();
  return ssl;
}
