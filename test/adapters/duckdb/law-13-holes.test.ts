import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { describe, expect, it } from "vitest";
import { csv, duckdb, rows } from "../../../src/adapters/duckdb/entry.js";
import { isJobError } from "../../../src/model/job-error.js";
import { allRows, NEVER_ABORTED, opened, plain } from "../../../src/testing/engine/engine-fixture.js";
import { inFolder, makeEngine } from "./engine-under-test.js";

/** The error's code, or the rows where there was none. */
async function outcome(sql: (folder: string) => string): Promise<unknown> {
  return inFolder(async (folder) => {
    await writeFile(join(folder, "a1.csv"), "id,v\n1,x\n");
    await writeFile(join(folder, "k_secret.csv"), "id,v\n7,secret\n");
    const engine = makeEngine();
    return opened(engine, { g: csv(join(folder, "a*.csv")), r: rows([{ a: 1 }]) }, async () => {
      await allRows(engine, plain("select 1 as x from g, r"));
      try {
        return await allRows(engine, plain(sql(folder)));
      } catch (error) {
        return isJobError(error) ? "refused" : error;
      }
    });
  });
}

const anchored = (name: string, columns: string): string => {
  const named = columns
    .split(",")
    .map((column) => `${column} as ${column}`)
    .join(", ");
  return `with recursive "${name}" as (select ${named} from "${name}" union all select ${columns} from "${name}" where false) select * from "${name}"`;
};

describe("a CTE's name must not hide what the query really reads", () => {
  it.each([
    [
      "a file beside a declared one, by the anchor of a recursive CTE",
      (folder: string) => anchored(join(folder, "k_secret.csv"), "id,v"),
    ],
    ["settings, by the anchor of a recursive CTE", () => anchored("pg_settings", "name,setting")],
    ["the catalogue, by the anchor of a recursive CTE", () => anchored("sqlite_master", "name,sql")],
    [
      "a file, by a CTE whose name only JavaScript folds to it (Kelvin sign)",
      (folder: string) => `with "${folder}/\u212A_secret.csv" as (select 1) select * from "${folder}/k_secret.csv"`,
    ],
    [
      "the catalogue, by the Kelvin sign",
      () => `with "duc\u212Adb_databases" as (select 1) select database_name, path from duckdb_databases`,
    ],
    [
      "a subquery in a table function's ORDER BY",
      () => "select * from range(3 order by (select content from read_text('/etc/passwd')))",
    ],
  ])("%s", async (_, sql) => {
    expect(await outcome(sql)).toBe("refused");
  });
});

it("the anchor of a recursive CTE that bears a table's name reads that table, and is told as reading it", async () => {
  const engine = makeEngine();
  const query = plain("with recursive g as (select a from g union all select a from g where false) select * from g");
  await opened(engine, { g: rows([{ a: 1 }]) }, async () => {
    await engine.describe(plain("from g"), NEVER_ABORTED);
    // The description's empty table is still what this connection's variable names: no row, and no error.
    expect(await allRows(engine, query)).toEqual([{ a: 1n }]);
    expect((await engine.describe(query, NEVER_ABORTED)).tables).toEqual(["g"]);
  });
});

it("a view inside a declared DuckDB file opens no file that the host did not name", () =>
  inFolder(async (folder) => {
    const file = join(folder, "shop.duckdb");
    await writeFile(join(folder, "secret.csv"), "id,v\n7,secret\n");
    const instance = await DuckDBInstance.create(file);
    const connection = await instance.connect();
    await connection.run(
      `create view spy as from read_csv('${folder}/secret.csv'); create view settings as from duckdb_settings()`,
    );
    connection.disconnectSync();
    instance.closeSync();
    const shop = duckdb(file);
    const engine = makeEngine();
    const engineSays = await opened(engine, { shop }, () =>
      allRows(engine, plain("from shop.spy")).catch(() => "refused"),
    );
    expect(engineSays).toBe("refused");
    // An instance of its own, which nothing locks: it opens files, and the network, and may load extensions.
    const sourceSays = await Promise.resolve(shop.source?.("spy")?.schema(NEVER_ABORTED)).catch(() => "refused");
    expect(sourceSays).toBe("refused");
  }));

it.each(["1e999", "-1e999"])(
  "a number without end, %s, is a JobError or a value, and no raw SyntaxError",
  async (number) => {
    const engine = makeEngine();
    await opened(engine, {}, async () => {
      const told = await engine
        .describe(plain(`select ${number} as x`), NEVER_ABORTED)
        .catch((error: unknown) => error);
      expect(told instanceof Error && !isJobError(told) ? told : undefined).toBeUndefined();
    });
  },
);
