import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");

it("fires, fills in, and tells why", () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--import", join(ROOT, "build/run-source.mjs"), join(ROOT, "docs/examples/schedules/schedules.ts")],
    {
      cwd: tmpdir(),
      encoding: "utf8",
      env: { ...process.env, TSX_TSCONFIG_PATH: join(ROOT, "tsconfig.consumer.json"), NO_COLOR: "1" },
    },
  );
  expect(stderr).toBe("");
  expect(stdout.split("\n")).toEqual([
    "[",
    "  '2026-03-29T04:00:00.000Z',",
    "  '2026-03-30T04:00:00.000Z',",
    "  '2026-03-31T04:00:00.000Z'",
    "]",
    "a backfill would fire [ 2026-03-27T05:00:00.000Z ]",
    "backfill completed [ { id: 1n } ]",
    "daily@2026-03-29T04:00:00.000Z succeeded",
    "daily@2026-03-27T05:00:00.000Z (backfill) succeeded",
    "[ { id: 1n }, { id: 3n } ] [ 'It fires next at 2026-03-30T04:00:00.000Z.' ]",
    "",
  ]);
  expect(status).toBe(0);
}, 180_000);
