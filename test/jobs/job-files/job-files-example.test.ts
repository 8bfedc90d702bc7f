import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");

it("loads jobs from a folder and runs them beside one from code", () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--import", join(ROOT, "build/run-source.mjs"), join(ROOT, "docs/examples/job-files/job-files.ts")],
    {
      cwd: tmpdir(),
      encoding: "utf8",
      env: { ...process.env, TSX_TSCONFIG_PATH: join(ROOT, "tsconfig.consumer.json"), NO_COLOR: "1" },
    },
  );
  expect(stderr).toBe("");
  expect(stdout.split("\n")).toEqual([
    "orders_above succeeded [ { city: 'Oslo', amount: 40.5 } ]",
    "sales_by_city succeeded [ { city: 'Bergen', total: 15 }, { city: 'Oslo', total: 40.5 } ]",
    "best_order succeeded [ { city: 'Oslo', amount: 40.5 } ]",
    "",
  ]);
  expect(status).toBe(0);
}, 180_000);
