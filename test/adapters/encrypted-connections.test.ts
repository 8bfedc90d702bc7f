import { createConnection } from "mysql2/promise";
import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { mysql } from "../../src/adapters/mysql/mysql.js";
import { MySqlJobStore } from "../../src/adapters/mysql/mysql-job-store.js";
import { postgres } from "../../src/adapters/postgres/postgres.js";
import { PostgresJobStore } from "../../src/adapters/postgres/postgres-job-store.js";
import { systemClock } from "../../src/adapters/system/system-clock.js";
import type { Connection } from "../../src/ports/connection.js";
import type { JobStore } from "../../src/ports/job-store.js";
import { sampleRows, write } from "../../src/testing/destination/destination-fixture.js";
import { describeMysql } from "../support/describe-mysql.js";
import { describePostgres } from "../support/describe-postgres.js";
import { encryptedMariadb, encryptedPostgres } from "../support/encrypted-servers.js";
import type { MariadbServer } from "../support/mariadb-server.js";
import type { PostgresServer } from "../support/postgres-server.js";
import { readSource, sourceOf } from "../support/read-source.js";
import { SERVER_CERTIFICATE } from "../support/server-certificate.js";

const NEVER_ABORTED = new AbortController().signal;
/** Tells the server's own certificate, and nobody else's, from a false one. */
const TRUSTED = { ca: SERVER_CERTIFICATE };
/** The public authorities know nothing of it. */
const UNTRUSTED = { rejectUnauthorized: true };

const ROWS = [
  { id: 1, label: "row 1" },
  { id: 2, label: "row 2" },
];

/** Writes rows and reads them again. */
async function throughAndBack(connection: Connection): Promise<readonly unknown[]> {
  const steps = [sampleRows(1, 2)];
  await write(connection.destination!("t")!, { commitId: "a", createIfMissing: true, steps });
  const rows = await readSource(sourceOf(connection, "t"));
  return rows.map(({ id, label }) => ({ id: Number(id), label }));
}

/** Everything that is asked of it is refused alike. */
async function refusals(connection: Connection): Promise<readonly unknown[]> {
  const source = sourceOf(connection, "t");
  const destination = connection.destination!("t")!;
  const asked = [
    connection.check(NEVER_ABORTED),
    connection.listTables!(NEVER_ABORTED),
    source.schema(NEVER_ABORTED),
    readSource(source, { columns: ["id"] }),
    connection.snapshot!(["t"], NEVER_ABORTED),
    destination.schema(NEVER_ABORTED),
    write(destination, { commitId: "a", createIfMissing: true, steps: [sampleRows(1, 2)] }),
  ];
  const results = await Promise.allSettled(asked);
  expect(await destination.settleCommit("a", NEVER_ABORTED)).toMatchObject({
    state: "in_doubt",
    reason: expect.stringMatching(/certificate/) as string,
  });
  await connection.close();
  return results.map((result) => (result.status === "rejected" ? (result.reason as unknown) : result.value));
}

function expectRefused(error: unknown, code: string, password: string): void {
  expect(error).toMatchObject({
    code,
    message: expect.stringMatching(/certificate/) as string,
    retryable: false,
    hint: expect.stringContaining("ssl: { ca }") as string,
  });
  expect(`${(error as Error).message} ${(error as Error).stack} ${JSON.stringify(error)}`).not.toContain(password);
}

async function openAndClose(store: JobStore): Promise<void> {
  await store.open({ clock: systemClock });
  await store.close();
}

describePostgres("Postgres behind an encrypted connection", () => {
  let server: PostgresServer;
  let url: URL;
  beforeAll(async () => {
    server = await encryptedPostgres();
    url = new URL(await server.createDatabase());
    if (!server.controlled) return;
    // Whoever comes without encryption is not let in as this user.
    const client = new pg.Client(url.href);
    await client.connect();
    await client.query(`create user hidden password 'hush-hush' superuser`);
    await client.query(
      "create view encrypted as select bool_and(ssl) as all from pg_stat_ssl join pg_stat_activity using (pid) where usename = 'hidden'",
    );
    await client.end();
    Object.assign(url, { username: "hidden", password: "hush-hush" });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it("is written and read by who trusts its certificate", async () => {
    if (!server.controlled) return;
    const connection = postgres({ connectionString: url.href, ssl: TRUSTED }, { access: "read_write" });
    expect(await throughAndBack(connection)).toEqual(ROWS);
    expect(await readSource(sourceOf(connection, "encrypted"))).toEqual([{ all: true }]);
    await connection.close();
  });

  it("is refused by who does not, with what to do", async () => {
    if (!server.controlled) return;
    const connection = postgres({ connectionString: url.href, ssl: UNTRUSTED }, { access: "read_write" });
    for (const error of await refusals(connection)) expectRefused(error, "connection_unavailable", "hush-hush");
  });

  it("keeps a ledger likewise", async () => {
    if (!server.controlled) return;
    await openAndClose(new PostgresJobStore({ config: { connectionString: url.href, ssl: TRUSTED } }));
    const store = new PostgresJobStore({ config: { connectionString: url.href, ssl: UNTRUSTED } });
    const error: unknown = await store.open({ clock: systemClock }).catch((reason: unknown) => reason);
    expectRefused(error, "store_unavailable", "hush-hush");
    await store.close();
  });
});

describeMysql("MySQL or MariaDB behind an encrypted connection", () => {
  let server: MariadbServer;
  let url: URL;
  beforeAll(async () => {
    server = await encryptedMariadb();
    url = new URL(await server.createDatabase());
    if (!server.controlled) return;
    const session = await createConnection(url.href);
    await session.query("create user hidden identified by 'hush-hush' require ssl");
    await session.query("grant all on *.* to hidden");
    await session.end();
    Object.assign(url, { username: "hidden", password: "hush-hush" });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it("is written and read by who trusts its certificate", async () => {
    if (!server.controlled) return;
    const connection = mysql({ uri: url.href, ssl: TRUSTED }, { access: "read_write" });
    expect(await throughAndBack(connection)).toEqual(ROWS);
    await connection.close();
  });

  it("is refused by who does not, with what to do, and refuses who comes without", async () => {
    if (!server.controlled) return;
    const connection = mysql({ uri: url.href, ssl: UNTRUSTED }, { access: "read_write" });
    for (const error of await refusals(connection)) expectRefused(error, "connection_unavailable", "hush-hush");
    const plain = mysql(url.href);
    await expect(plain.check(NEVER_ABORTED)).rejects.toMatchObject({ code: "connection_unavailable" });
    await plain.close();
  });

  it("keeps a ledger likewise", async () => {
    if (!server.controlled) return;
    await openAndClose(new MySqlJobStore({ config: { uri: url.href, ssl: TRUSTED } }));
    const store = new MySqlJobStore({ config: { uri: url.href, ssl: UNTRUSTED } });
    const error: unknown = await store.open({ clock: systemClock }).catch((reason: unknown) => reason);
    expectRefused(error, "store_unavailable", "hush-hush");
    await store.close();
  });
});
