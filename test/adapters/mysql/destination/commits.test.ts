import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mysql } from "../../../../src/adapters/mysql/mysql.js";
import { SAMPLE } from "../../../../src/testing/destination/destination-fixture.js";
import { recordBatch } from "../../../../src/testing/rows/record-batch.js";
import { seededRandom } from "../../../crash/seeded-random.js";
import { describeMysql } from "../../../support/describe-mysql.js";
import { type MariadbServer, startMariadb } from "../../../support/mariadb-server.js";
import { destinationOf, numbered, write } from "../../postgres/destination/loads.js";
import { lossyRelay } from "./lossy-relay.js";
import { reader, readWrite } from "./mysql-reader.js";

const NEVER_ABORTED = new AbortController().signal;

describeMysql("the commit of a MySQL destination", () => {
  let server: MariadbServer;
  let url: string;
  let tables = 0;
  beforeAll(async () => {
    server = await startMariadb();
    url = await server.createDatabase();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  async function newTable(): Promise<string> {
    const t = `t${(tables += 1)}`;
    await using own = await reader(url);
    await own.run(`create table ${t} (id bigint, label text)`);
    return t;
  }

  async function countIn(t: string): Promise<number> {
    await using own = await reader(url);
    return Number((await own.values(`select count(*) from ${t}`))[0]);
  }

  /** Ends the server's part of the transaction that waits for its client. */
  async function killWriter(): Promise<void> {
    await using own = await reader(url);
    const [id] = await own.values(
      "select trx_mysql_thread_id from information_schema.innodb_trx where trx_rows_modified > 0 and trx_mysql_thread_id > 0",
    );
    await own.run(`kill connection ${id}`);
    const alive = `select count(*) from information_schema.processlist where id = ${id}`;
    await expect.poll(() => own.values(alive)).toEqual(["0"]);
  }

  it("that landed and whose answer was lost is found, and is a success", async () => {
    const t = await newTable();
    await using relay = await lossyRelay(url, "answer");
    await using out = readWrite(relay.url);
    const receipt = await write(destinationOf(out, t), [numbered(1, 5)], { commitId: t });
    expect(receipt).toEqual({ commitId: t, rowsWritten: 5, snapshotId: null });
    expect(await countIn(t)).toBe(5);
  });

  it("that several try while its first writer gives up lands once, and the server's deadlock over it fails none", async () => {
    const t = await newTable();
    await using own = await reader(url);
    await using out = readWrite(url);
    await destinationOf(out, t).settleCommit("makes the table of commits", NEVER_ABORTED);
    await own.run(`start transaction; insert into _millrace_commits (commit_id, state) values ('${t}', 'committed')`);
    const writings = [1, 2, 3].map(() => write(destinationOf(out, t), [numbered(1, 5)], { commitId: t }));
    const settled = Promise.allSettled(writings);
    await using watcher = await reader(url);
    const waiting =
      "select count(*) from information_schema.processlist where info like 'insert into `%_millrace_commits%'";
    await expect.poll(() => watcher.values(waiting)).toEqual(["3"]);
    await own.run("rollback");
    const failed = (await settled).flatMap((one) => (one.status === "rejected" ? [one.reason as Error] : []));
    expect(failed.map(({ message }) => message)).toEqual(Array(2).fill(`Commit ${t} has landed already.`));
    expect(await countIn(t)).toBe(5);
  });

  it("that never came to the server is found not to have landed, and fails for good", async () => {
    const t = await newTable();
    await using relay = await lossyRelay(url, "question");
    await using out = readWrite(relay.url);
    const writing = write(destinationOf(out, t), [numbered(1, 5)], { commitId: t });
    await expect(writing).rejects.toMatchObject({ code: "destination_failed", retryable: true });
    expect(await countIn(t)).toBe(0);
    expect(await destinationOf(out, t).settleCommit(t, NEVER_ABORTED)).toEqual({ state: "never" });
  });

  it("that landed while the network fell silent is found by whoever asks", async () => {
    const t = await newTable();
    const relay = await lossyRelay(url, "silence");
    const out = readWrite(relay.url);
    const writing = write(destinationOf(out, t), [numbered(1, 5)], { commitId: t });
    await expect.poll(() => countIn(t), { timeout: 10_000 }).toBe(5);
    await using other = readWrite(url);
    const receipt = { commitId: t, rowsWritten: 5, snapshotId: null };
    expect(await destinationOf(other, t).settleCommit(t, NEVER_ABORTED)).toEqual({ state: "committed", receipt });
    await using own = await reader(url);
    const idle = "select id from information_schema.processlist where command = 'Sleep' and id <> connection_id()";
    for (const id of await own.values(idle)) await own.run(`kill connection ${id}`);
    expect(await writing).toEqual(receipt);
    await out.close();
    await relay[Symbol.asyncDispose]();
  });

  it("is in doubt while its transaction is open, and cannot land once another has settled it", async () => {
    const t = await newTable();
    await using out = readWrite(url);
    await using other = readWrite(url);
    const states: string[] = [];
    const atPermit = async () => {
      states.push((await destinationOf(other, t).settleCommit(t, NEVER_ABORTED)).state);
      await killWriter();
      states.push((await destinationOf(other, t).settleCommit(t, NEVER_ABORTED)).state);
    };
    const writing = write(destinationOf(out, t), [numbered(1, 5)], { commitId: t, atPermit });
    await expect(writing).rejects.toMatchObject({ code: "destination_failed" });
    expect(states).toEqual(["in_doubt", "never"]);
    expect(await countIn(t)).toBe(0);
    const late = write(destinationOf(out, t), [numbered(1, 5)], { commitId: t });
    await expect(late).rejects.toMatchObject({ code: "destination_failed", retryable: false });
    expect(await countIn(t)).toBe(0);
  });

  it("of two writers with one id lands once", async () => {
    const t = await newTable();
    await using out = readWrite(url);
    const ends = await Promise.allSettled(
      [1, 2, 3].map((first) => write(destinationOf(out, t), [numbered(first, 4)], { commitId: t })),
    );
    expect(ends.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(await countIn(t)).toBe(4);
  });

  it("of which an id is longer than the proof has room for is refused", async () => {
    const t = await newTable();
    await using out = readWrite(url);
    const commitId = "c".repeat(256);
    await expect(write(destinationOf(out, t), [numbered(1, 4)], { commitId })).rejects.toMatchObject({
      code: "destination_failed",
      retryable: false,
    });
    expect(await countIn(t)).toBe(0);
  });

  it("of rows that were sent leaves their memory free", async () => {
    await using out = readWrite(url);
    const batch = recordBatch(SAMPLE, numbered(1, 100));
    await write(destinationOf(out, await newTable()), [batch]);
    expect(batch.data.byteLength).toBe(0);
  });

  it("is never made by rows whose end was not reached", async () => {
    const t = await newTable();
    await using out = readWrite(url);
    const failure = new Error("the source is gone");
    const fail = () => {
      throw failure;
    };
    await expect(write(destinationOf(out, t), [numbered(1, 5000), fail], { commitId: t })).rejects.toBe(failure);
    await write(destinationOf(out, t), [numbered(1, 5)], { commitId: `${t}-next` });
    expect(await countIn(t)).toBe(5);
  });

  it("is never made by a transaction that the server ends in the middle of the rows", async () => {
    const t = await newTable();
    await using out = readWrite(url);
    const writing = write(destinationOf(out, t), [numbered(1, 5), killWriter, numbered(6, 5)], { commitId: t });
    await expect(writing).rejects.toMatchObject({ code: "destination_failed", retryable: true });
    expect(await destinationOf(out, t).settleCommit(t, NEVER_ABORTED)).toEqual({ state: "never" });
    expect(await countIn(t)).toBe(0);
  });

  describe("of a server that dies", () => {
    const seed = Number(process.env["MILLRACE_SEED"] ?? 1);
    const trials = Number(process.env["MILLRACE_TRIALS"] ?? 3);

    it.each(["stop", "kill"] as const)(
      "before it (%s): nothing landed, and the next write does",
      async (how) => {
        if (!server.controlled) return;
        const t = await newTable();
        await using out = readWrite(url);
        const writing = write(destinationOf(out, t), [numbered(1, 5)], {
          commitId: t,
          atPermit: () => server.restart(how),
        });
        await expect(writing).rejects.toMatchObject({ code: "destination_failed", retryable: true });
        expect(await destinationOf(out, t).settleCommit(t, NEVER_ABORTED)).toEqual({ state: "never" });
        expect(await countIn(t)).toBe(0);
        await write(destinationOf(out, t), [numbered(1, 5)], { commitId: `${t}-next` });
        expect(await countIn(t)).toBe(5);
      },
      60_000,
    );

    it(
      `in the middle of it, ${trials} times from seed ${seed}: what is said is what is there`,
      async () => {
        if (!server.controlled) return;
        for (let trial = seed; trial < seed + trials; trial += 1) {
          const random = seededRandom(trial);
          const t = await newTable();
          const out = mysql(url, { access: "read_write" });
          let restarted: Promise<void> = Promise.resolve();
          // From just before the commit is sent to some time after it was answered.
          const turns = Math.floor(random() * 12);
          const how = random() < 0.5 ? "kill" : "stop";
          const atPermit = () => {
            restarted = (async () => {
              for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
              await server.restart(how);
            })();
          };
          const ended = await write(destinationOf(out, t), [numbered(1, 500)], { commitId: t, atPermit }).then(
            () => "landed",
            (error: { readonly code: string }) => error.code,
          );
          await restarted;
          const settled = await destinationOf(out, t).settleCommit(t, NEVER_ABORTED);
          const found = await countIn(t);
          expect([trial, found], `${how} after ${turns} turns: ${ended}`).toEqual([
            trial,
            settled.state === "committed" ? 500 : 0,
          ]);
          if (ended === "landed") expect(settled.state, `seed ${trial}`).toBe("committed");
          expect(["committed", "never"]).toContain(settled.state);
          await out.close();
        }
      },
      trials * 20_000,
    );
  });
});
