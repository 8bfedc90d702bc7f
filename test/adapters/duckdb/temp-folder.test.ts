import { type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { TempFolder } from "../../../src/adapters/duckdb/temp-folder.js";
import { sourceProcess } from "../../support/source-process.js";
import { inFolder } from "./engine-under-test.js";

const CHILD = new URL("./temp-folder-child.ts", import.meta.url);
const children: ChildProcess[] = [];

async function openEngine(tempDirectory: string): Promise<ChildProcess> {
  const child = sourceProcess(CHILD, { tempDirectory });
  children.push(child);
  await once(child, "message");
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "exit");
}

afterEach(async () => {
  const alive = children.splice(0).filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
  await Promise.all(alive.map(kill));
});

describe("the folder for what does not fit in memory", () => {
  it("is removed by its owner, and by the next engine when the owner was killed", () =>
    inFolder(async (parent) => {
      const [dead, stopped] = await Promise.all([openEngine(parent), openEngine(parent)]);
      const before = await readdir(parent);
      expect(before).toHaveLength(2);
      await Promise.all(before.map((name) => mkdir(join(parent, name, "spill"))));
      // Merely stopped: it may go on.
      stopped.kill("SIGSTOP");
      await kill(dead);
      const own = await TempFolder.make(parent);
      await own.swept;
      const beside = (await readdir(parent)).filter((name) => !own.path.includes(name));
      expect(beside).toHaveLength(1);
      expect(before).toContain(beside[0]);
      expect(await readdir(join(parent, beside[0] ?? ""))).toEqual(expect.arrayContaining(["lock", "spill"]));
      await kill(stopped);
      await (await TempFolder.make(parent)).remove();
      expect(await readdir(parent)).toHaveLength(1);
      await own.remove();
      expect(await readdir(parent)).toEqual([]);
    }));

  it("is left alone where nothing proves that it is nobody's", () =>
    inFolder(async (parent) => {
      const names = ["millrace-duckdb-older", "millrace-duckdb-strange", "somebody-else"];
      for (const name of names) await mkdir(join(parent, name));
      await writeFile(join(parent, "millrace-duckdb-older", "duckdb_temp_block-1.block"), "spilled");
      await writeFile(
        join(parent, "millrace-duckdb-strange", "lock"),
        "no database, and longer than a header".repeat(50),
      );
      await writeFile(join(parent, "millrace-duckdb-file"), "");
      await symlink(join(parent, "nowhere"), join(parent, "millrace-duckdb-link"));
      const before = await readdir(parent);
      await (await TempFolder.make(parent)).remove();
      expect(await readdir(parent)).toEqual(before);
    }));

  it("of many that are made at once none is removed", () =>
    inFolder(async (parent) => {
      const folders = await Promise.all(Array.from({ length: 20 }, () => TempFolder.make(parent)));
      expect(await readdir(parent)).toHaveLength(20);
      await Promise.all(folders.map((folder) => folder.remove()));
      expect(await readdir(parent)).toEqual([]);
    }));
});
