import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";

import { join } from "node:path";
import type * as Arrow from "apache-arrow";
import {
  Dictionary,
  Field,
  FixedSizeBinary,
  Float16,
  Int32,
  Int64,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  TimestampMillisecond,
  Utf8,
  vectorFromArray,
} from "apache-arrow";
import { describe, expect, it } from "vitest";
import { lance } from "../../../src/adapters/lance/entry.js";
import { LanceFolder } from "../../../src/adapters/lance/lance-folder.js";
import { scanTable } from "../../../src/adapters/lance/scan-table.js";
import { batchRows } from "../../../src/model/batch-values.js";
import { formatDataType } from "../../../src/model/data-type.js";
import { connectionContract } from "../../../src/testing/connection-contract.js";
import { SAMPLE, sampleRows, write } from "../../../src/testing/destination/destination-fixture.js";
import { recordBatch } from "../../../src/testing/rows/record-batch.js";
import { contractSuite } from "../../support/contract-suite.js";
import { overlaid } from "../../support/overlaid.js";
import { type LakeFolder, lakeFolder, NEVER_ABORTED } from "./lake-folder.js";

contractSuite(
  "lance(), a folder of tables, keeps the promises of a connection",
  connectionContract({
    make: async () => {
      const folder = await mkdtemp(join(tmpdir(), "millrace-lance-"));
      const made = lance(join(folder, "lake"));
      const steps = [sampleRows(1, 7), sampleRows(8, 5)];
      await write(made.destination!("full")!, { commitId: "a", steps, createIfMissing: true });
      await made.close();
      await writeFile(join(folder, "file"), "no folder");
      const connection = lance(join(folder, "lake"));
      return {
        connection,
        full: { table: "full", columns: ["id", "label"], rowCount: 12 },
        missingTable: "none",
        unreachable: lance(join(folder, "file")),
        dispose: async () => {
          await connection.close();
          await rm(folder, { recursive: true });
        },
      };
    },
  }),
);

async function scanned(lake: LakeFolder, columns: readonly string[], table = "results") {
  const source = lake.connection.source!(table)!;
  const schema = await source.schema(NEVER_ABORTED);
  const shown = { columns: columns.map((name) => schema!.columns.find((column) => column.name === name)!) };
  const rows = [];
  for await (const batch of source.scan!({ columns, signal: NEVER_ABORTED })) rows.push(...batchRows(batch, shown));
  return rows;
}

describe("a scan", () => {
  it("gives the columns asked for in their order, and never the hidden one", async () => {
    await using lake = await lakeFolder();
    await write(lake.destination(), { commitId: "a", steps: [sampleRows(1, 2)], createIfMissing: true });
    await write(lake.destination(), { commitId: "b", steps: [sampleRows(3, 1)] });
    expect(await scanned(lake, ["label"])).toEqual([{ label: "row 1" }, { label: "row 2" }, { label: "row 3" }]);
    expect(await scanned(lake, ["label", "id"])).toHaveLength(3);
    const schema = await lake.connection.source!("results")!.schema(NEVER_ABORTED);
    expect(schema?.columns.map(({ name }) => name)).toEqual(["id", "label"]);
  });

  it("reads one version from its beginning to its end, whatever is committed meanwhile", async () => {
    await using lake = await lakeFolder();
    const steps = [sampleRows(1, 30_000)];
    await write(lake.destination(), { commitId: "a", steps, createIfMissing: true });
    const scan = lake.connection.source!("results")!.scan!({ columns: ["id"], signal: NEVER_ABORTED });
    let rows = 0;
    let batches = 0;
    for await (const batch of scan) {
      if (batches++ === 0) {
        await write(lake.destination(), { commitId: "b", steps: [sampleRows(50_000, 10)] });
        await write(lake.destination(), { commitId: "c", mode: "overwrite", steps: [sampleRows(1, 1)] });
      }
      rows += batch.numRows;
    }
    expect(rows).toBe(30_000);
    expect(batches).toBeGreaterThan(2);
    expect(await lake.ids()).toEqual([1]);
  });

  it("that is aborted in the middle throws the signal's reason at once", async () => {
    await using lake = await lakeFolder();
    await write(lake.destination(), { commitId: "a", steps: [sampleRows(1, 30_000)], createIfMissing: true });
    const controller = new AbortController();
    const reason = new Error("cancelled");
    const reading = async () => {
      const scan = lake.connection.source!("results")!.scan!({ columns: ["id"], signal: controller.signal });
      for await (const batch of scan) if (batch.numRows > 0) controller.abort(reason);
    };
    await expect(reading()).rejects.toBe(reason);
  });

  it("of a table that was dropped, or lost a column, since the query was planned says so", async () => {
    await using lake = await lakeFolder();
    await expect(scanned(lake, [], "none")).rejects.toThrow();
    await write(lake.destination(), { commitId: "a", steps: [sampleRows(1, 2)], createIfMissing: true });
    const source = lake.connection.source!("results")!;
    const read = async (columns: readonly string[]) => {
      for await (const batch of source.scan!({ columns, signal: NEVER_ABORTED })) expect(batch).toBeDefined();
    };
    await expect(read(["gone"])).rejects.toMatchObject({ code: "query_failed", columns: ["gone"] });
    await rm(join(lake.path, "results.lance"), { recursive: true });
    await expect(read(["id"])).rejects.toMatchObject({ code: "query_failed", table: "results" });
  });

  it("that gave fewer rows than its version has is not complete", async () => {
    await using lake = await lakeFolder();
    await write(lake.destination(), { commitId: "a", steps: [sampleRows(1, 2)], createIfMissing: true });
    const folder = new LanceFolder(lake.path);
    const shortened = overlaid(folder, {
      open: async (name) => overlaid((await folder.open(name))!, { countRows: () => Promise.resolve(3) }),
    });
    const reading = async () => {
      const scan = scanTable(shortened, "results", { columns: ["id"], signal: NEVER_ABORTED });
      for await (const batch of scan) expect(batch.numRows).toBe(2);
    };
    await expect(reading()).rejects.toMatchObject({ code: "stream_incomplete", table: "results" });
    await folder.close();
  });

  it("of an empty table ends at once", async () => {
    await using lake = await lakeFolder();
    await write(lake.destination(), { commitId: "a", steps: [], createIfMissing: true });
    expect(await scanned(lake, ["id", "label"])).toEqual([]);
  });
});

describe("a table that another library made", () => {
  it("is read where its layout can be read, and refused by name where not", async () => {
    await using lake = await lakeFolder();
    const fields = [
      new Field("word", new Dictionary(new Utf8(), new Int32()), true),
      new Field("hash", new FixedSizeBinary(4), true),
      new Field("at", new TimestampMillisecond("Europe/Berlin"), true),
      new Field("half", new Float16(), true),
    ];
    const columns = [
      vectorFromArray(["b"], new Dictionary(new Utf8(), new Int32())),
      vectorFromArray([Uint8Array.of(1, 2, 3, 4)], new FixedSizeBinary(4)),
      vectorFromArray([1_000], new TimestampMillisecond("Europe/Berlin")),
      vectorFromArray([1], new Float16()),
    ];
    const database = await lake.plain();
    for (const [index, field] of fields.entries()) {
      const data = columns[index]!.data[0]!;
      const type = new Struct([field]);
      const batch = new RecordBatch(new Schema([field]), makeData({ type, length: 1, children: [data] }));
      await database.createTable(field.name, new Table(batch));
    }
    const types = await Promise.all(
      fields.map(async ({ name }) => {
        const column = (await lake.connection.source!(name)!.schema(NEVER_ABORTED))!.columns[0]!;
        const storage = lake.destination(name).storage!(column.type, column);
        return [name, formatDataType(column.type), storage.stored];
      }),
    );
    expect(types).toEqual([
      ["word", "VARCHAR", false],
      ["hash", "BLOB", false],
      ["at", "TIMESTAMP_MS WITH TIME ZONE", true],
      ["half", "Arrow Float16", false],
    ]);
    for (const name of ["word", "hash"]) {
      const [column] = (await lake.connection.source!(name)!.schema(NEVER_ABORTED))!.columns;
      const trial = { commitId: name, schema: { columns: [column!] }, steps: [[{ [name]: null }]] };
      await expect(write(lake.destination(name), trial)).rejects.toMatchObject({
        code: "schema_mismatch",
        columns: [name],
        message: expect.stringContaining("read and not written") as string,
      });
    }
  });

  it("with 64-bit offsets is written and read like any other", async () => {
    await using lake = await lakeFolder();
    // Of Lance's own copy of Arrow: of others it takes no large text.
    const own = createRequire(import.meta.url)("apache-arrow") as typeof Arrow;
    const table = new own.Table({
      id: own.vectorFromArray([0n], new own.Int64()),
      label: own.vectorFromArray(["l"], new own.LargeUtf8()),
      bytes: own.vectorFromArray([Uint8Array.of(1)], new own.LargeBinary()),
    });
    const fields = table.schema.fields.map(({ name, type }) => new own.Field(name, type as Arrow.DataType, true));
    const batch = new own.RecordBatch(new own.Schema(fields), table.batches[0]!.data);
    await (await lake.plain()).createTable("results", new own.Table(batch));
    const read = async () => (await scanned(lake, ["id"])).map(({ id }) => Number(id)).sort();
    const labels = async () => {
      const opened = await (await lake.plain()).openTable("results");
      return ((await opened.query().toArray()) as { label: string | null }[]).map(({ label }) => label).sort();
    };
    const rows = () =>
      recordBatch(SAMPLE, [
        { id: 9, label: "cut off" },
        { id: 1, label: "ünï" },
        { id: 2, label: null },
      ]).slice(1, 3);
    await write(lake.destination(), { commitId: "a", steps: [rows()] });
    expect(await labels()).toEqual(["l", null, "ünï"]);
    await write(lake.destination(), {
      commitId: "b",
      mode: { kind: "upsert", keys: ["label"] },
      steps: [[{ id: 7, label: "l" }]],
    });
    expect(await read()).toEqual([1, 2, 7]);
    await write(lake.destination(), { commitId: "c", mode: "overwrite", steps: [rows()] });
    expect(await labels()).toEqual([null, "ünï"]);
    const opened = await (await lake.plain()).openTable("results");
    expect(String((await opened.schema()).fields[1]!.type)).toBe("LargeUtf8");
  });

  it("is written by name, in its own order, its extra columns null", async () => {
    await using lake = await lakeFolder();
    const table = new Table({
      extra: vectorFromArray(["e"], new Utf8()),
      label: vectorFromArray(["l"], new Utf8()),
      id: vectorFromArray([0n], new Int64()),
    });
    const fields = ["extra", "label", "id"].map(
      (name) => new Field(name, name === "id" ? new Int64() : new Utf8(), true),
    );
    const batch = new RecordBatch(new Schema(fields), table.batches[0]!.data);
    await (await lake.plain()).createTable("results", new Table(batch));
    await write(lake.destination(), { commitId: "a", schema: SAMPLE, steps: [sampleRows(1, 1)] });
    await write(lake.destination(), {
      commitId: "b",
      mode: { kind: "upsert", keys: ["id"] },
      steps: [sampleRows(0, 1)],
    });
    const rows = (await lake.read())!.sort((left, right) => Number(left["id"]) - Number(right["id"]));
    expect(rows).toEqual([
      { extra: null, label: "row 0", id: 0n },
      { extra: null, label: "row 1", id: 1n },
    ]);
    await write(lake.destination(), { commitId: "c", mode: "overwrite", steps: [sampleRows(5, 1)] });
    expect(await lake.read()).toEqual([{ extra: null, label: "row 5", id: 5n }]);
  });
});
