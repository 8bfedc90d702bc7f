import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { runError } from "../../../src/adapters/duckdb/engine-error.js";
import { DuckDBEngine } from "../../../src/adapters/duckdb/entry.js";
import { batchRows } from "../../../src/model/batch-values.js";
import type { TableSchema } from "../../../src/model/table-schema.js";
import type { TableSource } from "../../../src/ports/table-source.js";
import { recordBatch } from "../../../src/testing/rows/record-batch.js";
import { NEVER_ABORTED, query, withEngine } from "./engine-session.js";
import { single } from "./engine-under-test.js";

const folder = mkdtempSync(join(tmpdir(), "millrace-limits-"));

afterAll(() => rmSync(folder, { recursive: true }));

const LARGE_SORT = "select md5(i::varchar) as s from range(3000000) r(i) order by s";

const USES_ALL = "select count(*) as n from large where hash(columns(*)) is not null";
const LARGE_ROWS = 2_048_000n;

/** Rows of eight numbers that cannot be compressed: two million are 131 MB. */
function ofRows(count: bigint): TableSource {
  const schema: TableSchema = {
    columns: ["a", "b", "c", "d", "e", "f", "g", "h"].map((name) => {
      return { name, type: { kind: "integer", bits: 64, signed: false }, nullable: true };
    }),
  };
  const number = (row: number, name: string): bigint =>
    BigInt(
      `0x${createHash("md5")
        .update(name + row)
        .digest("hex")
        .slice(0, 16)}`,
    );
  const batch = recordBatch(
    schema,
    Array.from({ length: 8_192 }, (_, row) =>
      Object.fromEntries(schema.columns.map(({ name }) => [name, number(row, name)])),
    ),
  );
  return {
    schema: () => Promise.resolve(schema),
    async *scan({ columns }) {
      const wanted = batch.selectAt(columns.map((name) => schema.columns.findIndex((column) => column.name === name)));
      for (let rows = 0n; rows < count; rows += 8_192n) yield wanted;
    },
  };
}

function spilledBytes(path: string): number {
  const files = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((bytes, file) => bytes + statSync(join(file.parentPath, file.name)).size, 0);
}

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

  it("rows that are scanned go to disk where they do not fit in memory, and nothing of them stays", async () => {
    await withEngine(
      { large: single(ofRows(LARGE_ROWS)) },
      async ({ engine }) => {
        const counted = await engine.stream(query(USES_ALL), {
          signal: NEVER_ABORTED,
        });
        expect(spilledBytes(folder)).toBeGreaterThan(20_000_000);
        for await (const batch of counted) expect(batchRows(batch, counted.schema)).toEqual([{ n: LARGE_ROWS }]);
        expect(spilledBytes(folder)).toBe(0);
      },
      { memoryLimit: "80MB", threads: 2, tempDirectory: folder },
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  it("rows that are scanned and fit nowhere say which limit, and others go on", async () => {
    await withEngine(
      { large: single(ofRows(LARGE_ROWS)), small: single(ofRows(8_192n)) },
      async ({ rows: read }) => {
        await expect(read(USES_ALL)).rejects.toMatchObject({
          code: "resource_limit_exceeded",
          field: "tempLimit",
        });
        expect(await read("select 1 as x")).toEqual([{ x: 1 }]);
        expect(spilledBytes(folder)).toBe(0);
        expect(await read("select count(*) as n from small")).toEqual([{ n: 8_192n }]);
      },
      { memoryLimit: "80MB", threads: 2, tempLimit: "10MB", tempDirectory: folder },
    );
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
