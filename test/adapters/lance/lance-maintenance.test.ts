import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Index } from "@lancedb/lancedb";
import { describe, expect, it } from "vitest";
import { lance, type LanceOptions } from "../../../src/adapters/lance/entry.js";
import { sampleRows, write } from "../../../src/testing/destination/destination-fixture.js";
import { type LakeFolder, lakeFolder } from "./lake-folder.js";

async function appended(lake: LakeFolder, commits: number): Promise<void> {
  for (let commit = 0; commit < commits; commit++) {
    const steps = [sampleRows(commit * 10 + 1, 10)];
    await write(lake.destination(), { commitId: `c${commit}`, steps, createIfMissing: true });
  }
}

async function files(lake: LakeFolder): Promise<number> {
  const table = await (await lake.plain()).openTable("results");
  return (await table.stats()).fragmentStats.numFragments;
}

describe("maintenance", () => {
  it("joins small files and takes new rows into indices, and the rows stay", async () => {
    await using lake = await lakeFolder({ maintenance: { optimizeEvery: 8 } });
    await appended(lake, 2);
    const table = await (await lake.plain()).openTable("results");
    await table.createIndex("id", { config: Index.btree() });
    await appended(lake, 0);
    for (let commit = 2; commit < 8; commit++) {
      await write(lake.destination(), { commitId: `c${commit}`, steps: [sampleRows(commit * 10 + 1, 10)] });
    }
    await lake.connection.close();
    expect(await files(lake)).toBeLessThan(4);
    await table.checkoutLatest();
    expect((await table.indexStats("id_idx"))?.numUnindexedRows).toBeLessThan(30);
    expect(await lake.ids()).toEqual(Array.from({ length: 80 }, (_, index) => index + 1));
    for (let commit = 0; commit < 8; commit++) expect((await lake.settle(`c${commit}`)).state).toBe("committed");
  });

  it("deletes the versions that are older than it was told", async () => {
    await using lake = await lakeFolder({ maintenance: { optimizeEvery: 4, keepVersionsMs: 0 } });
    await appended(lake, 4);
    await lake.connection.close();
    const versions = await readdir(join(lake.path, "results.lance", "_versions"));
    expect(versions.filter((name) => name.endsWith(".manifest")).length).toBeLessThan(4);
    expect(await lake.ids()).toHaveLength(40);
  });

  it("is not done unless it is asked for", async () => {
    await using lake = await lakeFolder();
    await appended(lake, 5);
    expect(await files(lake)).toBe(5);
  });

  it("that fails is told to the host, and the run has succeeded", async () => {
    const told: unknown[] = [];
    const onError = (error: unknown, table: string): void => {
      told.push(error, table);
      throw new Error("the host's own fault");
    };
    await using lake = await lakeFolder({ maintenance: { optimizeEvery: 2, onError } });
    await appended(lake, 1);
    // A file that compaction must read, and that an append need not.
    const data = join(lake.path, "results.lance", "data");
    await writeFile(join(data, (await readdir(data))[0]!), "garbage");
    await write(lake.destination(), { commitId: "more", steps: [sampleRows(50, 1)] });
    await lake.connection.close();
    expect(told).toEqual([expect.any(Error), "results"]);
    expect((await lake.settle("more")).state).toBe("committed");
  });

  it("holds up the next writer of the table, and close() waits for it", async () => {
    await using lake = await lakeFolder({ maintenance: { optimizeEvery: 1 } });
    await appended(lake, 6);
    expect(await lake.ids()).toHaveLength(60);
  });

  it.each<[string, LanceOptions]>([
    ["maintenance.optimizeEvery", { maintenance: { optimizeEvery: 0 } }],
    ["maintenance.keepVersionsMs", { maintenance: { keepVersionsMs: -1 } }],
    ["lockWaitMs", { lockWaitMs: 0.5 }],
  ])("a wrong %s is refused", (field, options) => {
    expect(() => lance("/x", options)).toThrow(expect.objectContaining({ code: "invalid_definition", field }));
  });
});
