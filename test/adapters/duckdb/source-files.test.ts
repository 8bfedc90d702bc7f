import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, describe, expect, it } from "vitest";
import { csv, type CsvOptions, json, parquet } from "../../../src/adapters/duckdb/entry.js";
import { formatDataType } from "../../../src/model/data-type.js";
import type { Connection } from "../../../src/ports/connection.js";
import { withEngine } from "./engine-session.js";

const folder = mkdtempSync(join(tmpdir(), "millrace-files-"));
const vega = join(import.meta.dirname, "../../../node_modules/vega-datasets/data");

afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;

/** Writes files into a folder of their own and gives its path. */
function written(contents: Readonly<Record<string, string | Uint8Array>>): string {
  files += 1;
  const made = join(folder, String(files));
  for (const [name, content] of Object.entries(contents)) {
    mkdirSync(dirname(join(made, name)), { recursive: true });
    writeFileSync(join(made, name), content);
  }
  return made;
}

/** Each column with its type, and the rows. */
function readAll(connection: Connection): Promise<{ columns: string[]; rows: Record<string, unknown>[] }> {
  return withEngine({ data: connection }, async ({ describe: ask, rows }) => {
    const { schema } = await ask("from data");
    return {
      columns: schema.columns.map(({ name, type }) => `${name} ${formatDataType(type)}`),
      rows: await rows("from data"),
    };
  });
}

function csvOf(content: string | Uint8Array, options?: CsvOptions): Connection {
  return csv(join(written({ "data.csv": content }), "data.csv"), options);
}

async function parquetFile(path: string, select: string): Promise<void> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run(`copy (${select}) to '${path}' (format parquet)`);
  connection.closeSync();
  instance.closeSync();
}

const lines = (count: number, line: string): string => `${line}\n`.repeat(count);

describe("csv()", () => {
  it("finds out the types, and nothing else", async () => {
    const content =
      'id,price,day,at,zoned,word\n1,1.5,2020-01-01,2020-01-01 10:00:00,2020-01-01T10:00:00Z,"a ""b"", c"\n';
    expect(await readAll(csvOf(content))).toEqual({
      columns: [
        "id BIGINT",
        "price DOUBLE",
        "day DATE",
        "at TIMESTAMP",
        "zoned TIMESTAMP WITH TIME ZONE",
        "word VARCHAR",
      ],
      rows: [
        {
          id: 1n,
          price: 1.5,
          day: "2020-01-01",
          at: "2020-01-01 10:00:00",
          zoned: "2020-01-01 10:00:00+00",
          word: 'a "b", c',
        },
      ],
    });
  });

  it("takes no line for a comment, and none for a preamble", async () => {
    expect((await readAll(csvOf("a,b\n#1,2\n3,4\n5,6\n"))).rows).toHaveLength(3);
    await expect(readAll(csvOf("a title\n\na,b\n1,2\n3,4\n"))).rejects.toMatchObject({
      code: "connection_unavailable",
    });
    await expect(readAll(csvOf("a,b\n1,2\n3\n4,5,6\n"))).rejects.toMatchObject({ code: "connection_unavailable" });
  });

  it("tells an empty text from a null", async () => {
    expect((await readAll(csvOf('a,b\n1,""\n2,\n3,"x"\n'))).rows).toEqual([
      { a: 1n, b: "" },
      { a: 2n, b: null },
      { a: 3n, b: "x" },
    ]);
    expect((await readAll(csvOf("a,b\n1,NA\n2,\n3,x\n", { nullText: "NA" }))).rows.map(({ b }) => b)).toEqual([
      null,
      "",
      "x",
    ]);
  });

  it("does not guess between day and month", async () => {
    expect((await readAll(csvOf("d\n01/02/2020\n13/02/2020\n"))).columns).toEqual(["d VARCHAR"]);
    expect(await readAll(csvOf("d\n01/02/2020\n13/02/2020\n", { dateFormat: "%d/%m/%Y" }))).toEqual({
      columns: ["d DATE"],
      rows: [{ d: "2020-02-01" }, { d: "2020-02-13" }],
    });
    expect((await readAll(csvOf("t\n01.02.2020 10:00\n", { timestampFormat: "%d.%m.%Y %H:%M" }))).rows).toEqual([
      { t: "2020-02-01 10:00:00" },
    ]);
  });

  it("reads other dialects when told so, gzip, a byte order mark and CRLF", async () => {
    expect((await readAll(csvOf("a;b\n1;'x;y'\n", { delimiter: ";", quote: "'" }))).rows).toEqual([
      { a: 1n, b: "x;y" },
    ]);
    expect((await readAll(csvOf("1,x\n2,y\n", { header: false }))).columns).toEqual([
      "column0 BIGINT",
      "column1 VARCHAR",
    ]);
    expect((await readAll(csvOf("\uFEFFa,b\r\n1,2\r\n"))).rows).toEqual([{ a: 1n, b: 2n }]);
    const packed = written({ "data.csv.gz": gzipSync("a,b\n1,2\n") });
    expect((await readAll(csv(join(packed, "data.csv.gz")))).rows).toEqual([{ a: 1n, b: 2n }]);
  });

  it("takes declared types", async () => {
    const connection = csvOf("id,code,price\n1,007,1.50\n", {
      columns: { id: "SMALLINT", code: "INTEGER", price: "DECIMAL(5,2)" },
    });
    expect(await readAll(connection)).toEqual({
      columns: ["id SMALLINT", "code INTEGER", "price DECIMAL(5,2)"],
      rows: [{ id: 1, code: 7, price: "1.50" }],
    });
    await expect(readAll(csvOf("a\n1\n", { columns: { b: "INTEGER" } }))).rejects.toThrow(/"b"/);
  });

  describe("fails for a value that comes late and does not fit, with its file, row and column", () => {
    // DuckDB would read each of these as something else: 2, the day alone, the time without its offset, …
    const late: readonly (readonly [type: string, good: string, bad: string])[] = [
      ["BIGINT", "1", "x"],
      ["BIGINT", "1", "1.5"],
      ["BIGINT", "1", "15e-1"],
      ["BIGINT", "1", "9223372036854775808"],
      ["DATE", "2020-01-01", "2020-01-01 10:00:00"],
      ["DATE", "2020-01-01", "2020-02-30"],
      ["TIMESTAMP", "2020-01-01 10:00:00", "2020-01-01 10:00:00+02"],
      ["TIMESTAMP", "2020-01-01 10:00:00", "2020-01-01T10:00:00Z"],
      ["TIMESTAMP", "2020-01-01 10:00:00", "2020-01-01 10:00:00.1234567"],
      ["TIME", "10:00:00", "10:00:00.1234567"],
    ];
    it.each(late)("%s: after %j comes %j", async (type, good, bad) => {
      const connection = csvOf(`a,b\n${lines(30_000, `${good},1`)}${bad},2\n`);
      await withEngine({ data: connection }, async ({ describe: ask, rows }) => {
        const { schema } = await ask("from data");
        expect(formatDataType(schema.columns[0]!.type)).toBe(type);
        await expect(rows("from data")).rejects.toMatchObject({
          code: "query_failed",
          retryable: false,
          columns: ["a"],
          message: expect.stringMatching(
            new RegExp(`column "a" is ${type}, and row 30001 of .*data.csv has "${bad.replace(/[+.]/g, "\\$&")}"`),
          ),
        });
      });
    });

    it.each([
      ["DECIMAL(5,2)", "1.005"],
      ["INTEGER", "1.5"],
      ["DATE", "2020-01-01 10:00"],
    ])("declared %s: %j", async (type, bad) => {
      await expect(readAll(csvOf(`a\n${bad}\n`, { columns: { a: type } }))).rejects.toMatchObject({
        code: "query_failed",
        columns: ["a"],
      });
    });

    it("but takes what means the same", async () => {
      const connection = csvOf(`a,t\n${lines(30_000, "1,2020-01-01 10:00:00")}1.0,2020-01-01T10:00:00.100000000\n`);
      await withEngine({ data: connection }, async ({ rows }) => {
        expect(await rows("select a, t, count(*) as n from data group by all order by n")).toEqual([
          { a: 1n, t: "2020-01-01 10:00:00.1", n: 1n },
          { a: 1n, t: "2020-01-01 10:00:00", n: 30_000n },
        ]);
      });
    });

    it("DOUBLE, as DuckDB itself tells it", async () => {
      const connection = csvOf(`a\n${lines(30_000, "1.5")}x\n`);
      await expect(readAll(connection)).rejects.toThrow(/Line: 30002[^]*column "a"[^]*data\.csv/);
    });
  });

  it.each([
    ["too few values", "3"],
    ["too many values", "3,4,5"],
    ["an open quote", '"3,4'],
  ])("fails for a line with %s, with its line and file", async (_, bad) => {
    const connection = csvOf(`a,b\n${lines(50_000, "1,2")}${bad}\n`);
    await expect(readAll(connection)).rejects.toMatchObject({
      code: "query_failed",
      message: expect.stringMatching(/Line: 50002[^]*data\.csv/),
    });
  });

  it("fails for what is not UTF-8", async () => {
    const content = Buffer.concat([Buffer.from(`a\n${lines(30_000, "x")}`), Buffer.from([0xe9, 0x0a])]);
    await expect(readAll(csvOf(content))).rejects.toThrow(/utf-8/i);
  });

  it("matches the columns of several files by name, whatever their order", async () => {
    const made = written({
      "1.csv": "a,b\n1,x\n",
      "2.csv": "b,a\ny,2\n",
      "3.csv": "a,b,c\n3,z,9\n",
      "4.csv": "a\n4\n",
    });
    expect((await readAll(csv([join(made, "1.csv"), join(made, "2.csv")]))).rows).toEqual([
      { a: 1n, b: "x" },
      { a: 2n, b: "y" },
    ]);
    expect((await readAll(csv(join(made, "*.csv")))).rows).toEqual([
      { a: 1n, b: "x", c: null },
      { a: 2n, b: "y", c: null },
      { a: 3n, b: "z", c: 9n },
      { a: 4n, b: null, c: null },
    ]);
  });

  it("tells an error of the query's own from one of the file", async () => {
    const forged = `select error('millrace bad value {"file":"/etc/passwd","column":"a","type":"b","value":"c"}') as x from data`;
    await withEngine({ data: csvOf("a\n1\n") }, async ({ rows }) => {
      // Whatever it says, no file is looked into that is not a source's.
      await expect(rows(forged)).rejects.toMatchObject({ code: "query_failed" });
    });
  });

  it("reads a real file", async () => {
    const { columns, rows } = await readAll(csv(join(vega, "airports.csv")));
    expect(columns).toEqual([
      "iata VARCHAR",
      "name VARCHAR",
      "city VARCHAR",
      "state VARCHAR",
      "country VARCHAR",
      "latitude DOUBLE",
      "longitude DOUBLE",
    ]);
    expect(rows).toHaveLength(3_376);
  });
});

describe("json()", () => {
  const jsonOf = (content: string, options?: Parameters<typeof json>[1]): Connection =>
    json(join(written({ "data.json": content }), "data.json"), options);

  it("reads an array and lines", async () => {
    const expected = {
      columns: ["a BIGINT", "b VARCHAR"],
      rows: [
        { a: 1n, b: "x" },
        { a: 2n, b: null },
      ],
    };
    expect(await readAll(jsonOf('[{"a":1,"b":"x"},{"a":2}]'))).toEqual(expected);
    expect(await readAll(jsonOf('{"a":1,"b":"x"}\n{"a":2}\n'))).toEqual(expected);
    expect(await readAll(jsonOf('{"a":1,"b":"x"}\n{"a":2}\n', { format: "lines" }))).toEqual(expected);
  });

  it("drops no key, however late it comes", async () => {
    const { columns, rows } = await readAll(jsonOf(`${lines(30_000, '{"a":1}')}{"a":2,"late":3}\n`));
    expect(columns).toEqual(["a BIGINT", "late BIGINT"]);
    expect(rows.at(-1)).toEqual({ a: 2n, late: 3n });
  });

  it("takes the type that holds all values, however late they come", async () => {
    expect((await readAll(jsonOf(`${lines(30_000, '{"a":1}')}{"a":1.5}\n`))).columns).toEqual(["a DOUBLE"]);
    expect((await readAll(jsonOf(`${lines(30_000, '{"a":1}')}{"a":"x"}\n`))).columns).toEqual(["a JSON"]);
    expect((await readAll(jsonOf('{"a":18446744073709551615}\n'))).rows).toEqual([{ a: 18_446_744_073_709_551_615n }]);
  });

  it("reads nested objects and lists", async () => {
    expect(await readAll(jsonOf('{"a":{"x":1,"y":[1,2]}}\n{"a":{"z":"late"}}\n'))).toEqual({
      columns: ['a STRUCT("x" BIGINT, "y" BIGINT[], "z" VARCHAR)'],
      rows: [{ a: { x: 1n, y: [1n, 2n], z: null } }, { a: { x: null, y: null, z: "late" } }],
    });
  });

  it("reads declared columns and no others", async () => {
    expect(await readAll(jsonOf('{"a":"1.50","b":2}\n', { columns: { a: "DECIMAL(5,2)" } }))).toEqual({
      columns: ["a DECIMAL(5,2)"],
      rows: [{ a: "1.50" }],
    });
  });

  it.each([
    ["a bad line", '{"a":1}\n{bad\n'],
    ["a cut array", '[{"a":1},{"a":2}'],
    ["a cut line", '{"a":1}\n{"a":2'],
    ["a key given twice", '{"a":1,"a":2}\n'],
  ])("fails for %s, with its file", async (_, content) => {
    await expect(readAll(jsonOf(content))).rejects.toMatchObject({ message: expect.stringContaining("data.json") });
  });

  it("a value that does not fit a declared type fails the run, with its row and file", async () => {
    const connection = jsonOf(`${lines(30_000, '{"a":1}')}{"a":"x"}\n`, { columns: { a: "BIGINT" } });
    await expect(readAll(connection)).rejects.toMatchObject({
      code: "query_failed",
      message: expect.stringMatching(/row 30001 of .*data\.json/),
    });
  });

  it.each([
    ["BIGINT", "1.5"],
    ["DATE", '"2020-01-01 10:00:00"'],
    ["TIMESTAMP", '"2020-01-01T10:00:00+02:00"'],
    ["DECIMAL(5,2)", "1.005"],
  ])("a value that a declared %s would round or cut fails the run: %s", async (type, bad) => {
    await expect(readAll(jsonOf(`{"a":null}\n{"a":${bad}}\n`, { columns: { a: type } }))).rejects.toMatchObject({
      code: "query_failed",
      columns: ["a"],
      message: expect.stringContaining("data.json"),
    });
  });

  it("reads a real file", async () => {
    expect((await readAll(json(join(vega, "movies.json")))).rows).toHaveLength(3_201);
  });
});

describe("parquet()", () => {
  it("drops no column and rounds no value of a later file", async () => {
    const made = written({ "readme.txt": "" });
    await parquetFile(join(made, "1.parquet"), "select 1 as a, 'x' as b");
    await parquetFile(join(made, "2.parquet"), "select 2.5::double as a, 'y' as b, 3 as c");
    expect(await readAll(parquet(join(made, "*.parquet")))).toEqual({
      columns: ["a DOUBLE", "b VARCHAR", "c INTEGER"],
      rows: [
        { a: 1, b: "x", c: null },
        { a: 2.5, b: "y", c: 3 },
      ],
    });
  });

  it("takes folders named key=value for columns, unless told not to", async () => {
    const made = written({ "k=1/readme.txt": "", "k=2/readme.txt": "" });
    await parquetFile(join(made, "k=1", "a.parquet"), "select 1 as a");
    await parquetFile(join(made, "k=2", "a.parquet"), "select 2 as a");
    expect((await readAll(parquet(join(made, "**/*.parquet")))).rows).toEqual([
      { a: 1, k: 1n },
      { a: 2, k: 2n },
    ]);
    expect((await readAll(parquet(join(made, "**/*.parquet"), { hivePartitioning: false }))).columns).toEqual([
      "a INTEGER",
    ]);
  });

  it("a file that is cut is refused", async () => {
    const made = written({ "cut.parquet": "PAR1 and nothing more" });
    await expect(readAll(parquet(join(made, "cut.parquet")))).rejects.toMatchObject({
      code: "connection_unavailable",
      connection: "data",
    });
  });

  it("reads a real file", async () => {
    await withEngine({ flights: parquet(join(vega, "flights-3m.parquet")) }, async ({ rows }) => {
      expect(await rows("select count(*) as n, count(distinct origin) as o from flights")).toEqual([
        { n: 3_000_000n, o: 229n },
      ]);
    });
  });
});

describe("files that change", () => {
  it("are found out again by the next query, with other columns and types", async () => {
    const made = written({ "data.csv": "a\n1\n" });
    const path = join(made, "data.csv");
    await withEngine({ data: csv(path) }, async ({ describe: ask, rows }) => {
      expect(await rows("from data")).toEqual([{ a: 1n }]);
      writeFileSync(path, "a,b\nx,2\n");
      expect((await ask("from data")).schema.columns.map(({ name, type }) => `${name} ${type.kind}`)).toEqual([
        "a text",
        "b integer",
      ]);
      expect(await rows("from data")).toEqual([{ a: "x", b: 2n }]);
      // Of the same size, and a moment later.
      writeFileSync(path, "a,b\ny,3\n");
      utimesSync(path, new Date(), new Date(Date.now() + 2_000));
      expect(await rows("from data")).toEqual([{ a: "y", b: 3n }]);
    });
  });

  it("that come and go are seen", async () => {
    const made = written({ "1.csv": "a\n1\n" });
    await withEngine({ data: csv(join(made, "*.csv")) }, async ({ rows }) => {
      expect(await rows("select count(*) as n from data")).toEqual([{ n: 1n }]);
      writeFileSync(join(made, "2.csv"), "a\n2\n");
      expect(await rows("select count(*) as n from data")).toEqual([{ n: 2n }]);
      rmSync(join(made, "1.csv"));
      rmSync(join(made, "2.csv"));
      await expect(rows("from data")).rejects.toMatchObject({
        code: "connection_unavailable",
        connection: "data",
        retryable: true,
      });
      writeFileSync(join(made, "3.csv"), "a\n3\n");
      expect(await rows("from data")).toEqual([{ a: 3n }]);
    });
  });

  it("binding them holds the event loop for no longer than the query itself, however long it took to find them out", async () => {
    const made = written({ "data.json": lines(400_000, '{"a":1,"b":"some text","c":[1,2,3]}') });
    await withEngine({ data: json(join(made, "data.json")) }, async ({ engine }) => {
      let longest = 0;
      const from = performance.now();
      let last = from;
      const timer = setInterval(() => {
        longest = Math.max(longest, performance.now() - last);
        last = performance.now();
      }, 1);
      const stream = await engine.stream(
        { template: [{ text: "select count(*) as n from data" }], parameters: new Map() },
        { signal: new AbortController().signal },
      );
      for await (const batch of stream) expect(batch.numRows).toBe(1);
      clearInterval(timer);
      // Most of this is finding out.
      expect(longest).toBeLessThan((performance.now() - from) / 3);
    });
  });
});

describe("paths", () => {
  it.each(["https://example.org/x.csv", "s3://bucket/x.parquet", "file:///etc/passwd", "", "a\0b"])(
    "%j is refused",
    (path) => {
      for (const make of [csv, json, parquet]) {
        expect(() => make(path)).toThrow(expect.objectContaining({ code: "invalid_definition", field: "path" }));
      }
    },
  );

  it("no path at all is refused", () => {
    expect(() => csv([])).toThrow(expect.objectContaining({ code: "invalid_definition", field: "path" }));
  });

  it("a name with quotes and spaces is read", async () => {
    const made = written({ "it's a file.csv": "a\n1\n" });
    expect((await readAll(csv(join(made, "it's a file.csv")))).rows).toEqual([{ a: 1n }]);
  });

  it("may be relative, symbolic links, and folders behind symbolic links", async () => {
    const { symlinkSync } = await import("node:fs");
    const made = written({ "real/data.csv": "a\n1\n" });
    symlinkSync(join(made, "real"), join(made, "linked"));
    symlinkSync(join(made, "real", "data.csv"), join(made, "link.csv"));
    for (const path of [join(made, "link.csv"), join(made, "linked", "data.csv"), join(made, "linked", "*.csv")]) {
      expect((await readAll(csv(path))).rows).toEqual([{ a: 1n }]);
    }
  });

  it.each([
    [{ delimiter: "" }, "delimiter"],
    [{ quote: "''" }, "quote"],
    [{ header: "yes" as never }, "header"],
    [{ columns: {} }, "columns"],
    [{ columns: { a: "INTEGER'}, ignore_errors = true --" } }, "columns.a"],
    [{ columns: { a: "INTEGER", A: "INTEGER" } }, "columns"],
  ])("options %j are refused", (options, field) => {
    expect(() => csv("x.csv", options as CsvOptions)).toThrow(
      expect.objectContaining({ code: "invalid_definition", field }),
    );
  });
});
