import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { ROOT } from "./pages.js";

const folder = mkdtempSync(join(tmpdir(), "millrace-demo-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("ends well, and without a terminal prints plain lines of at most 80 columns", () => {
  const demo = join(ROOT, "docs/examples/demo/demo.ts");
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--import", join(ROOT, "build/run-source.mjs"), demo],
    {
      cwd: folder,
      encoding: "utf8",
      env: { ...process.env, TSX_TSCONFIG_PATH: join(ROOT, "tsconfig.consumer.json"), FORCE_COLOR: undefined },
    },
  );
  expect(stderr).toBe("");
  expect(stdout).toMatch(/All as expected, in [\d.]+ s\./);
  expect(status).toBe(0);
  expect(stdout).not.toMatch(/[^\n\P{Cc}]/u);
  expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
}, 180_000);
