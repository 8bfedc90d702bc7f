import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { lance } from "../../../src/adapters/lance/entry.js";
import { sampleRows, write } from "../../../src/testing/destination/destination-fixture.js";
import { lakeFolder, NEVER_ABORTED } from "./lake-folder.js";
import { readPlainly } from "./read-plainly.js";

const CREATE = { createIfMissing: true };

describe("a folder", () => {
  it("that is missing has no tables, and is made by the first write but not by a look", async () => {
    await using lake = await lakeFolder();
    const path = join(lake.path, "new");
    const fresh = lance(path);
    await fresh.check(NEVER_ABORTED);
    expect(await fresh.source!("t")!.schema(NEVER_ABORTED)).toBeNull();
    expect(await fresh.destination!("t")!.schema(NEVER_ABORTED)).toBeNull();
    expect(await fresh.destination!("t")!.readState!("job", NEVER_ABORTED)).toBeNull();
    expect(existsSync(path)).toBe(false);
    await write(fresh.destination!("t")!, { commitId: "a", steps: [sampleRows(1, 2)], ...CREATE });
    expect(await readPlainly(path, "t")).toHaveLength(2);
    await fresh.close();
  });

  it("whose parent is missing, or that is a file, is refused by its path", async () => {
    await using lake = await lakeFolder();
    await writeFile(join(lake.path, "file"), "x");
    for (const path of [join(lake.path, "none", "lake"), join(lake.path, "file")]) {
      const wrong = lance(path);
      const refusal = { message: expect.stringContaining(path.replace("/lake", "")) as string };
      await expect(wrong.check(NEVER_ABORTED)).rejects.toMatchObject({ ...refusal, code: "connection_unavailable" });
      const trial = { commitId: "a", steps: [sampleRows(1, 2)], ...CREATE };
      await expect(write(wrong.destination!("t")!, trial)).rejects.toMatchObject({ code: "connection_unavailable" });
      expect(await wrong.destination!("t")!.settleCommit("a", NEVER_ABORTED)).toMatchObject({ state: "in_doubt" });
    }
  });

  it.each(["", "s3://bucket/lake", "gs://x", "a\0b"])("named %j is no local folder", (path) => {
    expect(() => lance(path)).toThrow(expect.objectContaining({ code: "invalid_definition", field: "folder" }));
  });

  it("deleted while rows are read makes no broken table: the write fails", async () => {
    await using lake = await lakeFolder();
    await write(lake.destination(), { commitId: "a", steps: [sampleRows(1, 2)], ...CREATE });
    const gone = () => rm(lake.path, { recursive: true });
    const trial = { commitId: "b", steps: [sampleRows(3, 2), gone] };
    await expect(write(lake.destination(), trial)).rejects.toMatchObject({ code: "destination_failed" });
    expect(await lake.read()).toBeNull();
  });

  it("of a table deleted at the permit makes no broken table either", async () => {
    await using lake = await lakeFolder();
    await write(lake.destination(), { commitId: "a", steps: [sampleRows(1, 2)], ...CREATE });
    const atPermit = () => rm(join(lake.path, "results.lance"), { recursive: true });
    await expect(
      write(lake.destination(), { commitId: "b", steps: [sampleRows(3, 2)], atPermit }),
    ).rejects.toMatchObject({
      code: "destination_failed",
      message: expect.stringContaining("deleted") as string,
    });
    expect(await lake.settle("b")).toEqual({ state: "never" });
    expect(await lake.read()).toBeNull();
  });
});

describe("a table that is not healthy", () => {
  it("a folder without a version, as a killed writer leaves it, counts as none and can be made", async () => {
    await using lake = await lakeFolder();
    await mkdir(join(lake.path, "results.lance", "data"), { recursive: true });
    await mkdir(join(lake.path, "results.lance", "_versions"));
    await writeFile(join(lake.path, "results.lance", "data", "left.lance"), "garbage");
    expect(await lake.destination().schema(NEVER_ABORTED)).toBeNull();
    expect(await lake.connection.source!("results")!.schema(NEVER_ABORTED)).toBeNull();
    await write(lake.destination(), { commitId: "a", steps: [sampleRows(1, 2)], ...CREATE });
    expect(await lake.ids()).toEqual([1, 2]);
  });

  it.each([
    ["is garbage", "garbage"],
    ["is of a version that this Lance does not read", "newer"],
  ])("whose manifest %s is refused by its path, and left as it is", async (_name, what) => {
    await using lake = await lakeFolder();
    await write(lake.destination(), { commitId: "a", steps: [sampleRows(1, 2)], ...CREATE });
    const versions = join(lake.path, "results.lance", "_versions");
    const manifest = join(
      versions,
      (await readdir(versions)).find((name) => name.endsWith(".manifest"))!,
    );
    await writeFile(manifest, what === "garbage" ? "garbage".repeat(20) : newerManifest());
    const refusal = { code: "connection_unavailable", message: expect.stringContaining("results.lance") as string };
    await expect(lake.destination().schema(NEVER_ABORTED)).rejects.toMatchObject(refusal);
    await expect(write(lake.destination(), { commitId: "b", steps: [sampleRows(3, 1)] })).rejects.toMatchObject(
      refusal,
    );
    expect((await readdir(versions)).filter((name) => name.endsWith(".manifest"))).toHaveLength(1);
    expect((await lake.settle("b")).state).toBe("in_doubt");
  });

  it("whose data file is missing fails the query that reads it, by its name", async () => {
    await using lake = await lakeFolder();
    await write(lake.destination(), { commitId: "a", steps: [sampleRows(1, 2)], ...CREATE });
    await rename(join(lake.path, "results.lance", "data"), join(lake.path, "results.lance", "moved"));
    const reading = async () => {
      const scan = lake.connection.source!("results")!.scan!({ columns: ["id"], signal: NEVER_ABORTED });
      for await (const batch of scan) expect(batch.numRows).toBe(0);
    };
    await expect(reading()).rejects.toThrow(/ot found/);
  });
});

/**
 * A manifest with a feature that nobody knows: the length of its message, the message (field 9, the features that a reader
 * must know), where it begins, the format's version, its magic.
 * https://lance.org/format/table/#feature-flags
 */
function newerManifest(): Buffer {
  const unknownFeature = Buffer.of(9 << 3, 0x80, 0x80, 0x80, 0x80, 0x01);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(unknownFeature.length);
  const tail = Buffer.alloc(16);
  tail.writeUInt16LE(2, 10);
  tail.write("LANC", 12, "latin1");
  return Buffer.concat([length, unknownFeature, tail]);
}

describe("a disk that is full", () => {
  const mayMount = process.getuid?.() === 0 && process.platform === "linux";
  it.runIf(mayMount)("fails the write, leaves nothing and can be written again", async ({ skip }) => {
    const mounted = await mkdtemp(join(tmpdir(), "millrace-full-"));
    const mount = spawnSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", mounted]);
    if (mount.status !== 0) {
      await rm(mounted, { recursive: true });
      return skip("this machine does not let root mount");
    }
    const connection = lance(join(mounted, "lake"));
    try {
      const destination = connection.destination!("t")!;
      await write(destination, { commitId: "small", steps: [sampleRows(1, 10)], ...CREATE });
      const noise = Array.from({ length: 60 }, (_, id) => ({ id, label: noiseOf(id, 100_000) }));
      const state = { key: "job", from: null, to: 1 };
      await expect(write(destination, { commitId: "big", steps: [noise], state })).rejects.toMatchObject({
        code: "destination_failed",
        retryable: true,
        hint: expect.stringContaining("disk space") as string,
      });
      expect(await readPlainly(join(mounted, "lake"), "t")).toHaveLength(10);
      expect(await destination.settleCommit("big", NEVER_ABORTED)).toEqual({ state: "never" });
      expect(await destination.readState!("job", NEVER_ABORTED)).toBeNull();
      await write(destination, { commitId: "after", steps: [sampleRows(11, 10)] });
      expect(await readPlainly(join(mounted, "lake"), "t")).toHaveLength(20);
    } finally {
      await connection.close();
      spawnSync("umount", [mounted]);
      await rm(mounted, { recursive: true });
    }
  });
});

/** Text that does not compress. */
function noiseOf(seed: number, length: number): string {
  const noise = createHash("shake256", { outputLength: length }).update(String(seed)).digest();
  return noise.toString("base64").slice(0, length);
}
