import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { csv, json, rows } from "../../../src/adapters/duckdb/entry.js";
import { formatDataType } from "../../../src/model/data-type.js";
import { isJobError } from "../../../src/model/job-error.js";
import type { Column } from "../../../src/model/table-schema.js";
import { allRows, NEVER_ABORTED, opened, plain } from "../../../src/testing/engine/engine-fixture.js";
import { recordBatch } from "../../../src/testing/rows/record-batch.js";
import type { Connection } from "../../../src/ports/connection.js";
import type { EngineQuery } from "../../../src/ports/query-engine.js";
import { inFolder, makeEngine, ONE_INTEGER, single } from "./engine-under-test.js";

it("tables whose names differ only in case never give each other's rows", async () => {
  const engine = makeEngine();
  let crm: Connection;
  try {
    crm = rows({ Orders: [{ a: 1 }], orders: [{ a: 2 }] });
  } catch (error) {
    // Refusing them is as good.
    expect(isJobError(error)).toBe(true);
    return;
  }
  await opened(engine, { crm }, async () => {
    const read = async (sql: string): Promise<unknown> => allRows(engine, plain(sql)).catch(() => "refused");
    expect(await read("from crm.Orders")).toEqual([{ a: 1n }]);
    expect(["refused", JSON.stringify([{ a: "2" }])]).toContain(text(await read("from crm.orders")));
    expect(["refused", JSON.stringify([{ a: "1", b: "2" }])]).toContain(
      text(await read("select o.a as a, p.a as b from crm.Orders o, crm.orders p")),
    );
  });
});

it("a description follows the columns of its tables, and the types and values of its parameters", async () => {
  const columns: Column[] = [...ONE_INTEGER.columns];
  const source = single({
    schema: () => Promise.resolve({ columns: [...columns] }),
    async *scan() {
      yield recordBatch({ columns }, []);
    },
  });
  const engine = makeEngine();
  await opened(engine, { state: source }, async () => {
    const described = async (asked: EngineQuery): Promise<string[]> => {
      const { schema } = await engine.describe(asked, NEVER_ABORTED);
      return schema.columns.map(({ name, type }) => `${name} ${formatDataType(type)}`);
    };
    for (let round = 0; round < 2; round += 1) expect(await described(plain("from state"))).toEqual(["x BIGINT"]);
    columns.push({ name: "y", type: { kind: "text" }, nullable: true });
    expect(await described(plain("from state"))).toEqual(["x BIGINT", "y VARCHAR"]);
    columns.shift();
    expect(await described(plain("from state"))).toEqual(["y VARCHAR"]);

    const transformed = (shape: string): EngineQuery => ({
      template: [{ text: "select json_transform('[1]', " }, { parameter: "shape" }, { text: ") as x" }],
      parameters: new Map([["shape", { type: { kind: "text" }, value: shape }]]),
    });
    expect(await described(transformed('["INTEGER"]'))).toEqual(["x INTEGER[]"]);
    expect(await described(transformed('["DOUBLE"]'))).toEqual(["x DOUBLE[]"]);
  });
});

it("the same of any source that a scan reads, in one query", async () => {
  const engine = makeEngine();
  const connection: Connection = {
    ...single({ schema: () => Promise.resolve(ONE_INTEGER) }),
    source: (table) => ({
      schema: () => Promise.resolve(ONE_INTEGER),
      async *scan() {
        yield recordBatch(ONE_INTEGER, [{ x: table === "T" ? 1n : 2n }]);
      },
    }),
  };
  await opened(engine, { pg: connection }, async () => {
    const found = await allRows(engine, plain("select p.x as a, q.x as b from pg.T p, pg.t q")).catch(() => "refused");
    expect(["refused", JSON.stringify([{ a: "1", b: "2" }])]).toContain(text(found));
  });
});

it.each([
  ["csv", csv, (id: number) => `id\n${id}\n`],
  ["json", json, (id: number) => `{"id": ${id}}\n`],
] as const)(
  "a file of a pattern whose own name looks like a pattern is read, and no other twice: %s",
  (kind, connect, content) =>
    inFolder(async (folder) => {
      for (const [id, name] of ["w1", "w[1]"].entries()) await writeFile(join(folder, `${name}.${kind}`), content(id));
      const engine = makeEngine();
      await opened(engine, { w: connect(join(folder, `*.${kind}`)) }, async () => {
        expect(await allRows(engine, plain("select id from w order by id"))).toEqual([{ id: 0n }, { id: 1n }]);
      });
    }),
);

it("a file that is replaced while runs of it start gives one of its contents or a JobError, never a mixture", () =>
  inFolder(async (folder) => {
    const file = join(folder, "a.csv");
    const contents = [`id\n${"abcdefghijklmnopq\n".repeat(5)}`, `id,z\n${"1,2\n".repeat(5)}`];
    const put = async (version: number): Promise<void> => {
      await writeFile(`${file}.next`, contents[version % 2]!);
      await rename(`${file}.next`, file);
    };
    await put(0);
    const expected = [Array(5).fill({ id: "abcdefghijklmnopq" }), Array(5).fill({ id: "1", z: "2" })].map((rows) =>
      text(rows),
    );
    const engine = makeEngine();
    const wrong = new Set<string>();
    await opened(engine, { g: csv(file) }, async () => {
      let running = true;
      const writer = (async () => {
        for (let version = 1; running; version += 1) {
          await put(version);
          await new Promise(setImmediate);
        }
      })();
      const reader = async (): Promise<void> => {
        for (let round = 0; round < 120; round += 1) {
          try {
            const found = text(await allRows(engine, plain("from g")));
            if (!expected.includes(found)) wrong.add(found);
          } catch (error) {
            if (!isJobError(error)) wrong.add(String(error));
          }
        }
      };
      await Promise.all([reader(), reader(), reader(), reader()]);
      running = false;
      await writer;
    });
    expect([...wrong]).toEqual([]);
  }));

function text(value: unknown): string {
  if (typeof value === "string") return value;
  return JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? String(part) : part));
}
