import { describe, expect, it } from "vitest";
import type { RowStream } from "../../../src/ports/row-stream.js";
import { duckdbFile, type DuckDBFile } from "../../support/duckdb-file.js";

/** What no column can be moved as. */
const ALL = "* exclude (geometry)";

/** Every type, with its extremes and nulls, as it is and within others. */
const QUERIES = {
  "as it is": `select ${ALL} from test_all_types()`,
  "with an enum of 70,000 values": `select ${ALL} from test_all_types(use_large_enum := true)`,
  "without any row": `select ${ALL} from test_all_types() limit 0`,
  "over several chunks and batches": `select ${ALL} from test_all_types(), range(800) t(step) order by step, "int"`,
  "in a list": `select [columns(${ALL}), null] from test_all_types()`,
  "in a struct": `select {a: columns(${ALL}), b: 1} from test_all_types()`,
  "in a map": `select map {1: columns(${ALL}), 2: null} from test_all_types()`,
  "in a union": `select union_value(a := columns(${ALL})) from test_all_types()`,
  "in an array": `select array_value(columns(${ALL}), null) from test_all_types()`,
} as const;

/** The same rows, which no engine can write by itself. */
function withoutInto(rows: RowStream): RowStream {
  return {
    schema: rows.schema,
    close: () => rows.close(),
    [Symbol.asyncIterator]: () => rows[Symbol.asyncIterator](),
  };
}

/** The columns in which two tables differ, in their type or in a row. */
async function differences(file: DuckDBFile, left: string, right: string): Promise<readonly unknown[]> {
  const columns = await file.sql(`describe ${left}`);
  const others = await file.sql(`describe ${right}`);
  if (JSON.stringify(columns) !== JSON.stringify(others)) return [columns, others];
  const counts = columns.map(({ column_name: name }, index) => {
    const quoted = JSON.stringify(name);
    const [a, b] = [`a.${quoted}`, `b.${quoted}`];
    // As text too: a zero and a negative zero are not distinct.
    return `count(*) filter (where ${a} is distinct from ${b} or ${a}::varchar is distinct from ${b}::varchar) as c${index}`;
  });
  const [row = {}] = await file.sql(
    `select count(*) filter (where a.rowid is null or b.rowid is null) as lost, ${counts.join(", ")}
     from ${left} a full join ${right} b on a.rowid = b.rowid`,
  );
  return Object.entries(row).filter(([, count]) => count !== "0");
}

// The second door, bytes, has no user in this adapter: a destination that takes it adds itself here.
describe("the doors of a row stream give equal tables, for every type", () => {
  it.each(Object.entries(QUERIES))("%s", async (_, query) => {
    await using file = await duckdbFile();
    await file.load("query_itself", query, { createIfMissing: true });
    await file.load("batches", query, { createIfMissing: true, through: withoutInto });
    await file.sql(`create table plain as ${query}`);
    expect(await differences(file, "query_itself", "plain")).toEqual([]);
    expect(await differences(file, "batches", "plain")).toEqual([]);
  });

  it("and a difference would be seen", async () => {
    await using file = await duckdbFile({
      sql: "create table a as select 0.0::double as x; create table b as select -0.0::double as x",
    });
    expect(await differences(file, "a", "b")).toHaveLength(1);
    await file.sql("create table c as select 0.0::float as x; create table d as from a limit 0");
    expect(await differences(file, "a", "c")).toHaveLength(2);
    expect(await differences(file, "a", "d")).toHaveLength(2);
  });
});
