import { afterEach, expect, it } from "vitest";
import { csv, DuckDBEngine, rows } from "../../src/adapters/duckdb/entry.js";
import { memory } from "../../src/adapters/memory/memory-connection.js";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { JobExecutor } from "../../src/executor/job-executor.js";
import { defineJob } from "../../src/jobs/define-job.js";
import type { Connection } from "../../src/ports/connection.js";

const capabilities = {
  kind: "silent",
  read: true,
  write: "none",
  writeHint: "Write elsewhere.",
  tables: "named",
} as const;
const unlisted: Connection = { capabilities, check: async () => undefined, close: async () => undefined };
const leaking: Connection = {
  ...unlisted,
  secrets: ["s3cret"],
  listTables: () => Promise.reject(new Error("refused for s3cret")),
};

const crm = rows({ orders: [{ id: 1, at: new Date(0) }], Accounts: [{ id: 1 }], "two words": [{ a: "x" }] });
const executor = new JobExecutor({
  engine: new DuckDBEngine({ threads: 1 }),
  store: new MemoryJobStore(),
  connections: {
    crm,
    one: rows([{ id: 1 }]),
    gone: csv("/nowhere/at/all.csv"),
    silent: unlisted,
    leaking,
    out: memory(),
  },
  jobs: [defineJob({ name: "copy", query: "from crm.orders", destination: { table: "out.copied" } })],
});
const { tables } = executor;

afterEach(() => executor.start().catch(() => undefined));

it("are asked for only while the executor runs", async () => {
  await expect(tables.list("crm")).rejects.toMatchObject({ code: "not_started" });
  await expect(tables.schema("crm", "orders")).rejects.toMatchObject({ code: "not_started" });
});

it("are listed in order of their names, with their columns on request", async () => {
  expect(await tables.list("CRM")).toEqual([
    { name: "Accounts", kind: "table" },
    { name: "orders", kind: "table" },
    { name: "two words", kind: "table" },
  ]);
  expect(await tables.schema("crm", "orders")).toMatchObject({ columns: [{ name: "id" }, { name: "at" }] });
  expect(await tables.schema("crm", "nothing")).toBeNull();
  expect(await tables.list("one")).toEqual([{ name: "", kind: "table" }]);
  expect(await tables.schema("one", "")).toMatchObject({ columns: [{ name: "id" }] });
});

it("are listed once a job has made them", async () => {
  expect(await tables.list("out")).toEqual([]);
  await (await executor.submitOrThrow("copy")).result();
  expect(await tables.list("out")).toEqual([{ name: "copied", kind: "table" }]);
});

it("of a connection that is not there, or cannot tell, are refused by a code", async () => {
  await expect(tables.list("cmr")).rejects.toMatchObject({
    code: "unknown_connection",
    connection: "cmr",
    hint: expect.stringContaining("crm, gone") as string,
  });
  await expect(tables.schema("cmr", "orders")).rejects.toMatchObject({ code: "unknown_connection" });
  await expect(tables.list("silent")).rejects.toMatchObject({ code: "not_listable", connection: "silent" });
  await expect(tables.list("gone")).rejects.toMatchObject({ code: "connection_unavailable", connection: "gone" });
  await expect(tables.list(7 as unknown as string)).rejects.toMatchObject({ code: "invalid_definition" });
});

it("tell no secret when they cannot be had", async () => {
  const error: unknown = await tables.list("leaking").catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "connection_unavailable", message: "refused for ***", connection: "leaking" });
  expect((error as Error).cause).toBeUndefined();
});

it("are asked for no longer than the signal says", async () => {
  const options = { signal: AbortSignal.abort() };
  await expect(tables.list("crm", options)).rejects.toMatchObject({ code: "aborted" });
  await expect(tables.schema("crm", "orders", options)).rejects.toMatchObject({ code: "aborted" });
});

it("are not asked for any more once the executor has stopped", async () => {
  await executor.stop();
  await expect(tables.list("crm")).rejects.toMatchObject({ code: "executor_stopped" });
});
