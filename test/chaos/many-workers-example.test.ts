import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "millrace-many-workers-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("is an example of three processes that ends well, and quietly", () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--import", join(ROOT, "build/run-source.mjs"), join(ROOT, "docs/examples/many-workers/many-workers.ts")],
    { cwd: folder, encoding: "utf8", env: { ...process.env, TSX_TSCONFIG_PATH: join(ROOT, "tsconfig.consumer.json") } },
  );
  expect(stderr).toBe("");
  expect(stdout).toMatch(/All as expected: 48 days in the table, each of them once\.\n$/);
  expect(status).toBe(0);
}, 180_000);
