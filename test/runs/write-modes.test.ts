import { describe, expect, it } from "vitest";
import { DuckDBEngine } from "../../src/adapters/duckdb/duckdb-engine.js";
import { memory } from "../../src/adapters/memory/memory-connection.js";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { JobExecutor } from "../../src/executor/job-executor.js";
import { defineJob } from "../../src/jobs/define-job.js";
import type { AnyJob } from "../../src/jobs/job-definition.js";
import type { DestinationSpec, WriteModeSpec } from "../../src/jobs/read-destination.js";
import type { Connection } from "../../src/ports/connection.js";
import { sqliteFile } from "../support/sqlite-file.js";

async function started(jobs: readonly AnyJob[], connections: Readonly<Record<string, Connection>>) {
  const executor = new JobExecutor({ engine: new DuckDBEngine(), store: new MemoryJobStore(), connections, jobs });
  await executor.start();
  return executor;
}

const ROWS = "select i % 3 as id, i as n from range({from}::bigint, {to}::bigint) t(i)";

function job(name: string, mode: WriteModeSpec) {
  return defineJob({ name, query: ROWS, destination: { table: "out.t", mode } });
}

describe("a run's log", () => {
  it("tells by rows read and rows written how many insertOnly left out", async () => {
    const mode = { kind: "insertOnly", keys: ["id"], onDuplicate: "keepFirst" } as const;
    const out = memory();
    await using executor = await started([job("new", mode)], { out });
    const logged = [];
    for (const to of [2, 10]) {
      const handle = await executor.submitOrThrow("new", { from: 0, to });
      expect(await handle.result()).toMatchObject({ status: "succeeded" });
      for await (const event of handle.events()) {
        if (event.type === "run.committing") logged.push(`read ${event.rowsStaged}`);
        if (event.type === "run.succeeded") logged.push(`wrote ${event.rowsWritten}`);
      }
    }
    expect(logged).toEqual(["read 2", "wrote 2", "read 10", "wrote 1"]);
    expect((await out.rows("t")).map(({ n }) => n)).toEqual([0n, 1n, 2n]);
  });
});

describe("a run that is given again", () => {
  it.each([
    [{ kind: "upsert", keys: ["id"], onDuplicate: "keepLast" } as const, [3n, 4n, 5n], 3],
    [{ kind: "deleteInsert", keys: ["id"] } as const, [0n, 1n, 2n, 3n, 4n, 5n], 6],
    [{ kind: "insertOnly", keys: ["id"], onDuplicate: "keepFirst" } as const, [0n, 1n, 2n], 0],
  ])("leaves the same rows: %j", async (mode, numbers, rowsWritten) => {
    const out = memory();
    await using executor = await started([job("again", mode)], { out });
    for (const times of [1, 2]) {
      const run = await (await executor.submitOrThrow("again", { from: 0, to: 6 })).result();
      expect(run.status).toBe("succeeded");
      if (times === 2) expect(run.rowsWritten).toBe(rowsWritten);
      expect((await out.rows("t")).map(({ n }) => n)).toEqual(numbers);
    }
  });
});

describe("a preview", () => {
  it("shows the statement by which the run makes its table, and none where it makes none", async () => {
    await using file = await sqliteFile("create table there (n integer)");
    const preview = async (query: string, destination: DestinationSpec) => {
      const executor = await started([defineJob({ name: "j", query, destination })], {
        app: file.connection,
        out: memory(),
      });
      const previewed = await executor.preview("j", {}, { limit: 0 });
      if (previewed.isErr()) throw previewed.error;
      const { createStatement, wouldBeCreated } = previewed.value.destination;
      if (createStatement !== null) await (await executor.submitOrThrow("j", {})).result();
      await executor.stop();
      return { createStatement, wouldBeCreated };
    };
    const query = "select 1::bigint as n, 'x' as label";
    const made = await preview(query, { table: "app.made", createIfMissing: true });
    expect(made).toEqual({
      createStatement: 'create table main."made" (\n  "n" INTEGER,\n  "label" TEXT\n)',
      wouldBeCreated: true,
    });
    const sql = file.open().prepare("select sql from sqlite_schema where name = 'made'").pluck().get();
    expect(sql).toBe(made.createStatement?.replace('create table main."made"', 'CREATE TABLE "made"'));
    const none = (wouldBeCreated: boolean) => ({ createStatement: null, wouldBeCreated });
    expect(await preview("select 1::bigint as n", { table: "app.there", createIfMissing: true })).toEqual(none(false));
    expect(await preview(query, { table: "app.missing" })).toEqual(none(false));
    // SQLite keeps no HUGEINT, and memory() makes tables by no statement.
    const unfit = { table: "app.unfit", createIfMissing: true };
    expect(await preview("select 1::hugeint as n", unfit)).toEqual(none(true));
    expect(await preview(query, { table: "out.made" })).toEqual(none(true));
  });
});
