import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Database } from "../../../src/adapters/duckdb/database.js";
import { EngineHost } from "../../../src/adapters/duckdb/engine-host.js";
import { inFolder, within } from "./engine-under-test.js";

const INVALIDATED = new Error('IO Error: Database "out" has been invalidated because checkpointing failed.');

/** An instance of its own, and a file that it may attach. */
async function withHost(act: (host: EngineHost, path: string) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    const path = join(folder, "out.duckdb");
    const host = new EngineHost(await Database.open({ threads: 1 }, [`${folder}/`]), [
      { path, name: "out", readOnly: false, waitMs: 50 },
    ]);
    try {
      await act(host, path);
    } finally {
      await host.close();
    }
  });
}

const use = (path: string) => ({ path, readOnly: false, create: true, signals: [] });

async function attachedAt(host: EngineHost): Promise<unknown> {
  const [row] = await host.database.use((connection) =>
    connection.read("select database_oid as oid from duckdb_databases() where database_name = 'out'"),
  );
  return row?.["oid"];
}

describe("attached files", () => {
  it("are attached for the first who uses them, and detached after the last", () =>
    withHost(async (host, path) => {
      const first = await host.files.lease(use(path));
      const second = await host.files.lease(use(path));
      expect(first.catalog).toBe('"out"');
      await first.release();
      await first.release();
      expect(await attachedAt(host)).toBeDefined();
      await second.release();
      expect(await attachedAt(host)).toBeUndefined();
    }));

  it("that DuckDB gave up are attached anew, when those who still use them have left", () =>
    withHost(async (host, path) => {
      const staying = await host.files.lease(use(path));
      const failing = await host.files.lease(use(path));
      const before = await attachedAt(host);
      await failing.release(INVALIDATED);
      let isLeased = false;
      const next = host.files.lease({ ...use(path), waitMs: 10_000 }).then((lease) => {
        isLeased = true;
        return lease;
      });
      for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      expect(isLeased).toBe(false);
      await staying.release();
      const lease = await next;
      expect(await attachedAt(host)).not.toBe(before);
      await lease.release();
    }));

  it("that DuckDB gave up are not waited for by a query that reads them for longer than was said", () =>
    withHost(async (host, path) => {
      const reading = await host.files.lease(use(path));
      await (await host.files.lease(use(path))).release(INVALIDATED);
      const late = await within(
        5_000,
        host.files.lease(use(path)).catch((error: unknown) => error),
      );
      expect(late).toMatchObject({ code: "connection_unavailable", retryable: true });
      await reading.release();
      await (await host.files.lease(use(path))).release();
    }));

  it("are not waited for by who is aborted meanwhile", () =>
    withHost(async (host, path) => {
      const staying = await host.files.lease(use(path));
      await (await host.files.lease(use(path))).release(INVALIDATED);
      const controller = new AbortController();
      const reason = new Error("cancelled");
      const late = host.files.lease({ ...use(path), signals: [controller.signal] });
      controller.abort(reason);
      await expect(late).rejects.toBe(reason);
      await staying.release();
      expect(await attachedAt(host)).toBeUndefined();
    }));
});
