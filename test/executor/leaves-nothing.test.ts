import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const HOST = fileURLToPath(new URL("./host/whole-life.ts", import.meta.url));
const RUN_SOURCE = fileURLToPath(new URL("../../build/run-source.mjs", import.meta.url));

it("a host that stops its executor ends by itself, and leaves only its own files", async () => {
  const folder = await mkdtemp(join(tmpdir(), "millrace-host-"));
  try {
    await writeFile(join(folder, "numbers.csv"), "n\n1\n2\n3\n");
    // Killed, and so rejected, when something holds the process.
    const { stdout } = await promisify(execFile)(process.execPath, ["--import", RUN_SOURCE, HOST, folder], {
      timeout: 20_000,
    });
    expect(JSON.parse(stdout)).toMatchObject({ ends: ["succeeded", "succeeded"], rows: ["1", "2", "3"] });
    expect((await readdir(folder)).sort()).toEqual(["app.db", "numbers.csv", "runs.db"]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
