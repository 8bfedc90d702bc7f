import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { runError } from "../../../src/adapters/duckdb/engine-error.js";
import { DuckDBEngine } from "../../../src/adapters/duckdb/entry.js";
import { withEngine } from "./engine-session.js";

const folder = mkdtempSync(join(tmpdir(), "millrace-limits-"));

afterAll(() => rmSync(folder, { recursive: true }));

const LARGE_SORT = "select md5(i::varchar) as s from range(3000000) r(i) order by s";

describe("limits of memory and disk", () => {
  it("what needs more memory than there is says which limit, and others go on", async () => {
    await withEngine(
      {},
      async ({ rows: read }) => {
        const greedy = read("select length(list(i)) as n from range(100000000) r(i)");
        const modest = read("select count(*) as n from range(1000000) r(i)");
        await expect(greedy).rejects.toMatchObject({
          code: "resource_limit_exceeded",
          field: "memoryLimit",
          retryable: false,
        });
        expect(await modest).toEqual([{ n: 1_000_000n }]);
        expect(await read("select 1 as x")).toEqual([{ x: 1 }]);
      },
      { memoryLimit: "100MB" },
    );
  });

  it("what does not fit in memory goes to disk, up to the limit, and nothing of it stays", async () => {
    await withEngine(
      {},
      async ({ rows: read }) => {
        expect(await read(`select count(*) as n from (${LARGE_SORT} limit 2900000)`)).toEqual([{ n: 2_900_000n }]);
        expect(readdirSync(folder)).toHaveLength(1);
      },
      { memoryLimit: "80MB", threads: 2, tempDirectory: folder },
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  it("what needs more disk than it may use says which limit, and others go on", async () => {
    await withEngine(
      {},
      async ({ rows: read }) => {
        await expect(read(`select count(*) as n from (${LARGE_SORT} limit 2900000)`)).rejects.toMatchObject({
          code: "resource_limit_exceeded",
          field: "tempLimit",
        });
        expect(await read("select 1 as x")).toEqual([{ x: 1 }]);
      },
      { memoryLimit: "80MB", threads: 2, tempLimit: "20MB", tempDirectory: folder },
    );
  });

  it("two engines do not share a folder for what they spill", async () => {
    await withEngine(
      {},
      () => withEngine({}, async () => expect(readdirSync(folder)).toHaveLength(2), { tempDirectory: folder }),
      { tempDirectory: folder },
    );
  });

  it("a folder that cannot be written is refused at open and leaves nothing", async () => {
    const missing = join(folder, "not", "there");
    await expect(withEngine({}, async () => undefined, { tempDirectory: missing })).rejects.toMatchObject({
      code: "invalid_definition",
      field: "tempDirectory",
    });
    expect(existsSync(missing)).toBe(false);
  });
});

describe("options", () => {
  const bad: readonly [ConstructorParameters<typeof DuckDBEngine>[0], string][] = [
    [{ threads: 0 }, "threads"],
    [{ threads: 1.5 }, "threads"],
    [{ memoryLimit: "lots" }, "memoryLimit"],
    [{ memoryLimit: "512" }, "memoryLimit"],
    [{ memoryLimit: "512MB'; drop table x" }, "memoryLimit"],
    [{ tempLimit: "-1GB" }, "tempLimit"],
    [{ path: "" }, "path"],
    [{ path: "s3://bucket/x.duckdb" }, "path"],
    [{ tempDirectory: "a\0b" }, "tempDirectory"],
  ];
  it.each(bad)("%j is refused", (options, field) => {
    expect(() => new DuckDBEngine(options)).toThrow(expect.objectContaining({ code: "invalid_definition", field }));
  });

  it("an engine on a file keeps what it loads there, and can be opened again", async () => {
    const path = join(folder, "work.duckdb");
    for (let round = 0; round < 2; round += 1) {
      const { rows } = await import("../../../src/adapters/duckdb/entry.js");
      await withEngine(
        { data: rows([{ a: 1 }]) },
        async ({ rows: read }) => expect(await read("select a from data")).toEqual([{ a: 1n }]),
        { path },
      );
    }
    expect(existsSync(path)).toBe(true);
  });

  it("two engines on one file are refused, also through another path to it", async () => {
    const path = join(folder, "one.duckdb");
    await withEngine(
      {},
      async () => {
        for (const other of [path, join(folder, "..", folder.split("/").at(-1)!, "one.duckdb")]) {
          await expect(withEngine({}, async () => undefined, { path: other })).rejects.toMatchObject({
            code: "connection_unavailable",
            field: "path",
          });
        }
      },
      { path },
    );
    // The refused engine has not taken the first one's lock with it, and both are gone now.
    await withEngine({}, async () => undefined, { path });
  });

  it("threads holds", async () => {
    await withEngine({}, async ({ engine }) => {
      await expect(engine.open({} as never)).rejects.toMatchObject({ code: "internal_error" });
    });
    await withEngine({}, async ({ rows: read }) => expect(await read("select 1 as x")).toEqual([{ x: 1 }]), {
      threads: 1,
    });
  });

  it("a commit that finds no memory says so too", () => {
    const message =
      "TransactionContext Error: Failed to commit: could not allocate block of size 256.0 KiB (953.4 MiB/953.6 MiB used)";
    expect(runError(new Error(message))).toMatchObject({ code: "resource_limit_exceeded", field: "memoryLimit" });
  });
});
