// `node importing.mjs esm|cjs millrace/duckdb`: what importing an entry point loads and leaves behind.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire, register } from "node:module";
import { fileURLToPath } from "node:url";

const [format, entry] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const loads = fileURLToPath(new URL(`./loads-${format}.txt`, import.meta.url));
writeFileSync(loads, "");
register("./record-loads.mjs", import.meta.url, { data: { path: loads } });

const sharedObjects = () => process.report.getReport().sharedObjects;
// Names only: a difference is printed, and values of the environment are nobody's business.
const state = () => ({
  globals: Reflect.ownKeys(globalThis).map(String),
  resources: process.getActiveResourcesInfo(),
  listeners: process.eventNames().map((event) => `${String(event)} ${process.listenerCount(event)}`),
  environment: Object.keys(process.env),
});
const added = (before, after) => {
  const left = [...before];
  return after.filter((name) => !left.includes(name) || (left.splice(left.indexOf(name), 1), false));
};

const before = state();
if (format === "esm") await import(entry);
else require(entry);
await new Promise((resolve) => setImmediate(resolve));
const after = state();

const loaded = [...readFileSync(loads, "utf8").split("\n"), ...Object.keys(require.cache)];
const packages = new Set(loaded.map((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]));
packages.delete(undefined);
assert.ok(packages.delete("millrace"), "the recording must see the package itself");
// Two that are small and plain JavaScript; everything else waits until it is used. Only who imports the suites is about
// to make Arrow batches, and Arrow's tslib leaves globals behind.
const suites = entry === "millrace/testing";
const allowed = suites ? ["apache-arrow", "tslib", "flatbuffers"] : ["neverthrow", "croner"];
assert.deepEqual(
  [...packages].filter((name) => !allowed.includes(name)),
  [],
  `importing ${entry} loaded more than ${allowed.join(", ")}`,
);
assert.deepEqual(
  sharedObjects().filter((path) => path.endsWith(".node")),
  [],
  `importing ${entry} loaded an addon`,
);
for (const [what, names] of Object.entries(after)) {
  if (suites && what === "globals") continue;
  assert.deepEqual(added(before[what], names), [], `importing ${entry} left ${what} behind`);
}
console.log(`     ${format} ${entry} loads only: ${[...packages].join(", ") || "itself"}`);
