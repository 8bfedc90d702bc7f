import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sqlite } from "../../../src/adapters/sqlite/sqlite-connection.js";
import type { TableSchema } from "../../../src/model/table-schema.js";
import type { WriteRequest } from "../../../src/ports/job-destination.js";
import { rowStreamOf } from "../../../src/testing/rows/row-stream-of.js";

const SCHEMA: TableSchema = {
  columns: [
    { name: "id", type: { kind: "integer", bits: 64, signed: true }, nullable: true },
    { name: "name", type: { kind: "text" }, nullable: true },
  ],
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

function request(overrides: Partial<WriteRequest> = {}): WriteRequest {
  return {
    commitId: "c1",
    mode: { kind: "append" },
    schema: SCHEMA,
    createIfMissing: true,
    signal: new AbortController().signal,
    onProgress: () => undefined,
    permit: async ({ rowsStaged }) => ({
      committed: () => ({ commitId: "c1", rowsWritten: rowsStaged, snapshotId: null }),
    }),
    ...overrides,
  };
}

describe("sqlite destination", () => {
  it("writes", async () => {
    const connection = sqlite(join(folder, "a.db"), { access: "read_write" });
    const destination = connection.destination!("t")!;
    const signal = new AbortController().signal;
    expect(await destination.schema(signal)).toBeNull();
    const t0 = performance.now();
    const receipt = await destination.write(
      rowStreamOf(SCHEMA, [[{ id: 1, name: "a" }, { id: null, name: "ü\0'x" }], [{ id: 2n ** 62n }]]),
      request(),
    );
    console.log(performance.now() - t0);
    expect(receipt.rowsWritten).toBe(3);
    for (let k = 2; k < 6; k++) {
      const t1 = performance.now();
      await destination.write(rowStreamOf(SCHEMA, [[{ id: 1, name: "a" }]]), request({ commitId: `c${k}`, mode: { kind: "overwrite" } }));
      const t2 = performance.now();
      await destination.schema(signal);
      console.log(t2 - t1, performance.now() - t2);
    }
    await connection.close();
    const db = new Database(join(folder, "a.db"));
    console.log(db.prepare("select *, typeof(id) from t").safeIntegers().all(), db.prepare("select * from _millrace_commits").all());
    db.close();
  });
});
