import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll } from "vitest";

/** Writes files into a fresh folder, which is gone after the tests of the file, and gives the folder. */
export function fileWriter(): (files: Readonly<Record<string, string | Uint8Array>>) => string {
  const home = mkdtempSync(join(tmpdir(), "millrace-job-files-"));
  afterAll(() => rmSync(home, { recursive: true, force: true }));
  return (files) => {
    const folder = mkdtempSync(join(home, "jobs-"));
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), content);
    }
    return folder;
  };
}
