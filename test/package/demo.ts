/**
 * Runs the demo over the built package, as a reader would, and looks at what it prints: it ends well, and without a terminal
 * it prints plain lines of at most 80 columns. Expects a finished `npm run build:js`.
 */
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");
const { status, stdout, stderr } = spawnSync(join(root, "node_modules/.bin/tsx"), ["docs/examples/demo/demo.ts"], {
  cwd: root,
  encoding: "utf8",
  env: { ...process.env, FORCE_COLOR: undefined },
});
console.log(stdout);
assert.equal(stderr, "");
assert.match(stdout, /All as expected, in [\d.]+ s\./);
assert.equal(status, 0);
assert.doesNotMatch(stdout, /[^\n\P{Cc}]/u);
assert.deepEqual(
  stdout.split("\n").filter((line) => line.length > 80),
  [],
);
