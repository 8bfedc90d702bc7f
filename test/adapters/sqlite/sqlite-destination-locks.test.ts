import { describe, expect, it } from "vitest";
import { SqliteThreads } from "../../../src/adapters/sqlite/destination/sqlite-threads.js";
import type { SqliteThread } from "../../../src/adapters/sqlite/destination/sqlite-thread.js";
import { SqliteDestination } from "../../../src/adapters/sqlite/sqlite-destination.js";
import { sampleRows, write } from "../../../src/testing/destination/destination-fixture.js";
import { type SqliteFile, sqliteFile } from "../../support/sqlite-file.js";

const NEVER_ABORTED = new AbortController().signal;
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
