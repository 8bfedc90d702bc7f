import { describe, expect, it } from "vitest";
import { SqliteThreads } from "../../../src/adapters/sqlite/thread/sqlite-threads.js";
import type { SqliteThread } from "../../../src/adapters/sqlite/thread/sqlite-thread.js";
import { SqliteDestination } from "../../../src/adapters/sqlite/sqlite-destination.js";
import { SAMPLE, sampleRows, write } from "../../../src/testing/destination/destination-fixture.js";
import type { RowStream } from "../../../src/ports/row-stream.js";
import { recordBatch } from "../../../src/testing/rows/record-batch.js";
import { seededRandom } from "../../crash/seeded-random.js";
import { type SqliteFile, sqliteFile } from "../../support/sqlite-file.js";

const NEVER_ABORTED = new AbortController().signal;
const SEED = Number(process.env["MILLRACE_SEED"] ?? Date.now() % 1_000_000);
const ABORTS = 40;
const TABLE = "create table t (id integer, label text)";

describe("the lock of a SQLite file", () => {
  it("is not taken before there is a batch", async () => {
    await using file = await sqliteFile(TABLE);
    const other = file.open();
    const takeAndGiveBack = () => void other.exec("begin immediate; insert into t values (0, 'other'); commit");
    await write(file.destination("t"), { commitId: "a", steps: [takeAndGiveBack, sampleRows(1, 2)] });
    expect(other.prepare("select count(*) n from t").get()).toEqual({ n: 3n });
  });

  it("is waited for, and the rows go in once it is free", async () => {
    await using file = await sqliteFile(TABLE);
    const other = file.open();
    other.exec("begin immediate; insert into t values (0, 'other')");
    const writing = write(file.destination("t"), { commitId: "a", steps: [sampleRows(1, 2)] });
    // A look at the schema, made after the write and answered, shows that the write has come to its wait.
    await file.destination("t").schema(NEVER_ABORTED);
    other.exec("commit");
    expect((await writing).receipt.rowsWritten).toBe(2);
    expect(other.prepare("select count(*) n from t").get()).toEqual({ n: 3n });
  });

  it("is waited for no longer than until an abort, which leaves nothing behind", async () => {
    await using file = await sqliteFile(TABLE);
    const other = file.open();
    other.exec("begin immediate");
    const controller = new AbortController();
    const reason = new Error("cancelled");
    const writing = write(file.destination("t"), {
      commitId: "a",
      steps: [sampleRows(1, 2)],
      signal: controller.signal,
    });
    await file.destination("t").schema(NEVER_ABORTED);
    controller.abort(reason);
    await expect(writing).rejects.toBe(reason);
    other.exec("insert into t values (0, 'other'); commit");
    expect(other.prepare("select id from t").all()).toEqual([{ id: 0n }]);
  });

  it("is free when an aborted write rejects", async () => {
    await using file = await sqliteFile(TABLE);
    const controller = new AbortController();
    const abort = () => {
      expect(() => file.open().exec("begin immediate")).toThrow("locked");
      controller.abort();
    };
    const steps = [sampleRows(1, 50_000), abort, sampleRows(1, 1)];
    const writing = write(file.destination("t"), { commitId: "a", steps, signal: controller.signal });
    await expect(writing).rejects.toThrow("aborted");
    file.open().exec("begin immediate; insert into t values (0, 'other'); commit");
  });

  it("is free soon after an abort also when the rows never end", async () => {
    await using file = await sqliteFile(TABLE);
    const controller = new AbortController();
    const reason = new Error("cancelled");
    const aborted = new Promise((resolve) => controller.signal.addEventListener("abort", resolve));
    let afterRows = (): void => undefined;
    const written = new Promise<void>((resolve) => (afterRows = resolve));
    let end = (): void => undefined;
    const endless = new Promise<void>((resolve) => (end = resolve));
    const rows: RowStream = {
      schema: SAMPLE,
      close: () => Promise.resolve(),
      async *[Symbol.asyncIterator]() {
        yield recordBatch(SAMPLE, sampleRows(1, 10));
        // The thread has nothing to do then but to wait for rows.
        await written;
        controller.abort(reason);
        await endless;
      },
    };
    const writing = file.destination("t").write(rows, {
      commitId: "a",
      mode: { kind: "append" },
      schema: SAMPLE,
      createIfMissing: false,
      signal: controller.signal,
      onProgress: () => afterRows(),
      permit: () => Promise.reject(new Error("not to be asked for")),
    });
    const other = file.open();
    await aborted;
    await expect.poll(() => other.exec("begin immediate; commit")).toBeTruthy();
    end();
    await expect(writing).rejects.toBe(reason);
  });

  it("is free in a fraction of the time that the rest of a large batch would take", async () => {
    await using file = await sqliteFile(TABLE);
    /** How long the rows take to go in, or, when they are stopped, until the write has ended. */
    const millisecondsOf = async (stopAfterMs?: number): Promise<number> => {
      const steps = [recordBatch(SAMPLE, sampleRows(1, 400_000))];
      const controller = new AbortController();
      const start = performance.now();
      let taken = 0;
      const onProgress = () => void (taken = performance.now() - start);
      if (stopAfterMs !== undefined) setTimeout(() => controller.abort(), stopAfterMs);
      const trial = { commitId: `${start}`, steps, signal: controller.signal, onProgress };
      await write(file.destination("t"), trial).catch(() => (taken = performance.now() - start));
      return taken;
    };
    // The first time includes the start of the thread.
    await millisecondsOf();
    const whole = await millisecondsOf();
    expect(await millisecondsOf(whole / 10)).toBeLessThan(whole / 2);
  });

  it("makes a commit wait for a reader, in the default journal mode", async () => {
    await using file = await sqliteFile(`${TABLE}; insert into t values (0, 'old')`);
    const reader = file.open();
    const openRead = reader.prepare("select id from t").iterate();
    openRead.next();
    const controller = new AbortController();
    let permitted = (): void => undefined;
    const atPermit = new Promise<void>((resolve) => (permitted = resolve));
    const trial = { commitId: "a", steps: [sampleRows(1, 2)], signal: controller.signal, atPermit: () => permitted() };
    const writing = write(file.destination("t"), trial);
    await atPermit;
    await commitIsTried(file);
    controller.abort(new Error("too late"));
    openRead.return?.();
    expect((await writing).receipt.rowsWritten).toBe(2);
    expect(reader.prepare("select count(*) n from t").get()).toEqual({ n: 3n });
  });

  it("held by a writer that says nothing leaves its commit in doubt, with the reason", async () => {
    await using file = await sqliteFile(TABLE);
    file.open().exec("begin immediate");
    const settled = await file.destination("t").settleCommit("a", NEVER_ABORTED);
    expect(settled).toEqual({ state: "in_doubt", reason: expect.stringContaining("lock") as string });
  });
});

describe(`an abort at any moment (MILLRACE_SEED=${SEED})`, () => {
  // Ending the thread instead of asking it to stop took the whole process down, at about one abort in ten.
  it("leaves all rows or none, the lock free and the process alive", async () => {
    await using file = await sqliteFile(`${TABLE}; create table blocker (id integer)`);
    const random = seededRandom(SEED);
    const reader = file.open();
    let expected = 0n;
    for (let trial = 0; trial < ABORTS; trial++) {
      const controller = new AbortController();
      const blocked = random() < 0.3;
      if (blocked) reader.exec("begin immediate; insert into blocker values (1)");
      const steps = Array.from({ length: 6 }, (_, part) => sampleRows(part * 2_000, 2_000));
      const writing = write(file.destination("t"), { commitId: `${trial}`, steps, signal: controller.signal });
      setTimeout(() => controller.abort(), random() * 60);
      const landed = await writing.then(
        () => true,
        () => false,
      );
      if (blocked) reader.exec("rollback");
      if (landed) expected += 12_000n;
      reader.exec("begin immediate; commit");
      expect(reader.prepare("select count(*) n from t").get()).toEqual({ n: expected });
    }
  }, 60_000);
});

/** A COMMIT that waits for readers lets no new ones in. */
async function commitIsTried(file: SqliteFile): Promise<void> {
  const database = file.open();
  const read = database.prepare("select count(*) from sqlite_schema");
  for (;;) {
    try {
      read.get();
    } catch {
      return;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Threads of which each call may be led astray before or after it is carried out. */
class UnsureThreads extends SqliteThreads {
  constructor(private readonly atCommit: (thread: SqliteThread, commit: () => Promise<null>) => Promise<null>) {
    super();
  }

  override use<R>(
    signal: AbortSignal,
    task: (thread: SqliteThread, pastStopping: () => void) => Promise<R>,
  ): Promise<R> {
    return super.use(signal, (thread, pastStopping) => {
      const call = thread.call.bind(thread);
      thread.call = ((request: { do: string }, transfer: readonly ArrayBuffer[]) => {
        const carryOut = () => call(request as never, transfer) as Promise<null>;
        return request.do === "commit" ? this.atCommit(thread, carryOut) : carryOut();
      }) as never;
      return task(thread, pastStopping);
    });
  }
}

describe("a thread that dies around COMMIT", () => {
  it("after it: the commit is found, and the write succeeds", async () => {
    await using file = await sqliteFile(TABLE);
    const threads = new UnsureThreads(async (thread, commit) => {
      await commit();
      await thread.terminate();
      throw new Error("the thread is gone");
    });
    const destination = new SqliteDestination(threads, { path: file.path, readOnly: false }, "t");
    const { receipt } = await write(destination, { commitId: "a", steps: [sampleRows(1, 2)] });
    expect(receipt.rowsWritten).toBe(2);
    expect(file.open().prepare("select count(*) n from t").get()).toEqual({ n: 2n });
    await threads.close();
  });

  it("before it: the write fails, nothing is there and nothing can come", async () => {
    await using file = await sqliteFile(TABLE);
    const threads = new UnsureThreads(async (thread, commit) => {
      await thread.terminate();
      return commit();
    });
    const destination = new SqliteDestination(threads, { path: file.path, readOnly: false }, "t");
    await expect(write(destination, { commitId: "a", steps: [sampleRows(1, 2)] })).rejects.toMatchObject({
      code: "destination_failed",
      message: expect.stringContaining("thread") as string,
    });
    expect(file.open().prepare("select count(*) n from t").get()).toEqual({ n: 0n });
    expect(await destination.settleCommit("a", NEVER_ABORTED)).toEqual({ state: "never" });
    await threads.close();
  });
});
