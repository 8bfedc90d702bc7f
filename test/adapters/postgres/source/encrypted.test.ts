import { afterAll, beforeAll, expect, it } from "vitest";
import { postgres } from "../../../../src/adapters/postgres/postgres.js";
import { describePostgres } from "../../../support/describe-postgres.js";
import { encryptedPostgres } from "../../../support/encrypted-servers.js";
import type { PostgresServer } from "../../../support/postgres-server.js";
import { SERVER_CERTIFICATE } from "../../../support/server-certificate.js";
import { reader } from "../destination/loads.js";
import { NEVER_ABORTED, scanned, values } from "./reads.js";

describePostgres("a Postgres source behind an encrypted connection", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await encryptedPostgres();
    await using own = await reader(server.url);
    await own.client.query("create table t as select n, repeat('x', 100) as text from generate_series(1, 50000) n");
  });
  afterAll(() => server[Symbol.asyncDispose]());

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
