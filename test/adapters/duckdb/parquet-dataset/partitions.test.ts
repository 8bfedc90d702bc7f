import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parquetDataset } from "../../../../src/adapters/duckdb/entry.js";
import { inOrder, type Lake, type LakeOptions, withLake } from "./lake.js";

const BY_YEAR: LakeOptions = { partitionBy: { t: ["year", "month"] } };
const BY_P: LakeOptions = { partitionBy: { t: ["p"] } };

/** The folders of a table's partitions, each once. */
async function partitionFolders({ folder }: Lake): Promise<readonly string[]> {
  const names = await readdir(join(folder, "t", "data"), { recursive: true });
  const folders = names
    .filter((name) => name.endsWith(".parquet"))
    .map((name) => name.split("/").slice(1, -1).join("/"));
  return [...new Set(folders)].sort();
}

describe("partitions", () => {
  it("are folders by which other tools can skip files, and their values are in the files, too", () =>
    withLake(BY_YEAR, async (lake) => {
      await lake.load("t", "select 2000 + i % 2 as year, '0' || (1 + i % 3) as month, i from range(60) r(i)");
      expect(await partitionFolders(lake)).toEqual(
        ["01", "02", "03"].flatMap((month) => [`year=2000/month=${month}`, `year=2001/month=${month}`]).sort(),
      );
      expect(
        await lake.rows("select typeof(year) as y, typeof(month) as m, count(*)::int as n from lake.t group by all"),
      ).toEqual([{ y: "BIGINT", m: "VARCHAR", n: 60 }]);
      expect(await lake.rows("select count(*)::int as n from lake.t where month = '02' and year = 2001")).toEqual([
        { n: 10 },
      ]);
    }));

  const VALUES = [
    "null",
    "'__HIVE_DEFAULT_PARTITION__'",
    "''",
    "'.'",
    "'..'",
    "'../../x'",
    "'a/b=c d%é'",
    "'[x]*?{i}'",
    "chr(0) || chr(10)",
    "'A'",
    "'a'",
    "'a '",
  ];
  it("keep whatever value names them", () =>
    withLake(BY_P, async ({ rows, load }) => {
      const sql = VALUES.map((value, n) => `select ${n} as n, cast(${value} as VARCHAR) as p`).join(" union all ");
      await load("t", sql);
      await load("t", sql, { door: "batches" });
      expect(inOrder(await rows("select distinct * from lake.t"))).toEqual(inOrder(await rows(sql)));
      expect(await rows("select count(*)::int as n from lake.t")).toEqual([{ n: 2 * VALUES.length }]);
    }));

  it.each([
    "true",
    "7::utinyint",
    "-7::bigint",
    "'2020-01-01'::date",
    "'12345678-1e10-4000-8000-ffffffffffff'::uuid",
    "'b'::enum('b', 'a')",
  ])("may have the value %s", (value) =>
    withLake({ ...BY_P, overwrite: "partitions" }, async ({ rows, load }) => {
      await load("t", `select 1 as n, ${value} as p`);
      await load("t", `select 2 as n, ${value} as p`, { mode: "overwrite", door: "batches" });
      expect(await rows("select n from lake.t")).toEqual([{ n: 2 }]);
    }),
  );

  it.each(["0.5::double", "'2020-01-01'::timestamp", "1.5", "[1]", "'x'::blob", "'{}'::json"])(
    "cannot have the value %s",
    (value) =>
      withLake(BY_P, async ({ load, connection }) => {
        await expect(load("t", `select 1 as n, ${value} as p`)).rejects.toMatchObject({
          code: "schema_mismatch",
          columns: ["p"],
        });
        expect(await connection.snapshots("t")).toEqual([]);
      }),
  );

  it("need their column, and a value that fits a folder's name", () =>
    withLake(BY_P, async ({ load }) => {
      await expect(load("t", "select 1 as n")).rejects.toMatchObject({ code: "schema_mismatch", columns: ["p"] });
      const long = load("t", "select 'secret ' || repeat('x', 300) as p");
      await expect(long).rejects.toMatchObject({ code: "destination_failed", retryable: false, columns: ["p"] });
      await expect(long).rejects.not.toMatchObject({ message: expect.stringContaining("secret") as string });
    }));

  it("may be many", () =>
    withLake(BY_P, async ({ rows, load, connection }) => {
      await load("t", "select i, i % 300 as p from range(30000) r(i)");
      expect(
        await rows("select count(*)::int as n, sum(i)::bigint as s, count(distinct p)::int as p from lake.t"),
      ).toEqual([{ n: 30_000, s: (30_000n * 29_999n) / 2n, p: 300 }]);
      expect((await connection.snapshots("t"))[0]?.rows).toBe(30_000);
    }));

  it("are fixed when the table is made", () =>
    withLake(BY_P, async ({ load, folder, rows }) => {
      await load("t", "select 1 as n, 'a' as p");
      const elsewhere = parquetDataset(folder, { partitionBy: { t: ["n"] } });
      const plain = parquetDataset(folder);
      const { write } = await import("../../../../src/testing/destination/destination-fixture.js");
      const schema = {
        columns: [{ name: "n", type: { kind: "integer", bits: 32, signed: true }, nullable: true }],
      } as const;
      const steps = [[{ n: 2 }]];
      const refused = write(elsewhere.destination!("t")!, { commitId: "x", schema, steps });
      await expect(refused).rejects.toMatchObject({
        code: "schema_mismatch",
        message: expect.stringContaining("partitioned by p") as string,
      });
      // A connection that says nothing of them follows the table.
      await write(plain.destination!("t")!, { commitId: "y", schema, steps });
      expect(await partitionFolders({ folder } as Lake)).toEqual(["p=__HIVE_DEFAULT_PARTITION__", "p=a"]);
      expect(await rows("from lake.t order by n")).toEqual([
        { n: 1, p: "a" },
        { n: 2, p: null },
      ]);
      await Promise.all([elsewhere.close(), plain.close()]);
    }));
});

describe("an overwrite", () => {
  const FIRST = "select * from (values (1, 'a'), (2, 'b'), (3, null)) t(n, p)";

  it("of partitions replaces those that the new rows touch", () =>
    withLake({ ...BY_P, overwrite: "partitions" }, async ({ rows, load }) => {
      await load("t", FIRST);
      await load("t", "select * from (values (4, 'b'), (5, 'c')) t(n, p)", { mode: "overwrite" });
      expect(inOrder(await rows("from lake.t"))).toEqual([
        '{"n":1,"p":"a"}',
        '{"n":3,"p":null}',
        '{"n":4,"p":"b"}',
        '{"n":5,"p":"c"}',
      ]);
      await load("t", "select 6 as n, null::varchar as p", { mode: "overwrite" });
      expect(await rows("select n from lake.t where p is null")).toEqual([{ n: 6 }]);
    }));

  it("of partitions by nothing replaces nothing", () =>
    withLake({ ...BY_P, overwrite: "partitions" }, async ({ rows, load }) => {
      await load("t", FIRST);
      await load("t", "select 4 as n, 'a' as p where false", { mode: "overwrite" });
      expect(await rows("select count(*)::int as n from lake.t")).toEqual([{ n: 3 }]);
    }));

  it("of the table, the default, replaces all, also by nothing", () =>
    withLake(BY_P, async ({ rows, load }) => {
      await load("t", FIRST);
      await load("t", "select 4 as n, 'b' as p", { mode: "overwrite" });
      expect(await rows("from lake.t")).toEqual([{ n: 4, p: "b" }]);
      await load("t", "select 4 as n, 'b' as p where false", { mode: "overwrite" });
      expect(await rows("select typeof(n), count(*) from lake.t group by all")).toEqual([]);
      await load("t", FIRST);
      expect(await rows("select count(*)::int as n from lake.t")).toEqual([{ n: 3 }]);
    }));

  it("of a table without partitions is always whole", () =>
    withLake({ overwrite: "partitions" }, async ({ rows, load }) => {
      await load("t", FIRST);
      await load("t", "select 4 as n, 'b' as p", { mode: "overwrite" });
      expect(await rows("from lake.t")).toEqual([{ n: 4, p: "b" }]);
    }));

  it("that came between is not undone: each replaces what is there when it lands", () =>
    withLake({ ...BY_P, overwrite: "partitions" }, async ({ rows, load }) => {
      await load("t", FIRST);
      const other = async () => void (await load("t", "select 10 as n, 'a' as p", { mode: "overwrite" }));
      await load("t", "select 20 as n, 'b' as p", { mode: "overwrite", atPermit: other });
      expect(inOrder(await rows("from lake.t"))).toEqual(['{"n":10,"p":"a"}', '{"n":20,"p":"b"}', '{"n":3,"p":null}']);
    }));
});

describe("options", () => {
  it.each([
    [{ overwrite: "all" as never }, "overwrite"],
    [{ partitionBy: { t: ["a", "a"] } }, "partitionBy.t"],
    [{ partitionBy: { t: "a" as never } }, "partitionBy.t"],
    [{ partitionBy: { t: [""] } }, "partitionBy.t"],
  ])("are checked: %j", (options, field) => {
    expect(() => parquetDataset("lake", options)).toThrowError(
      expect.objectContaining({ code: "invalid_definition", field }),
    );
  });
});
