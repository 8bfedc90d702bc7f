// `npm run test:laws`: breaks each law on purpose, in a copy, and checks that the tests which guard it fail.
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { MUTATIONS, type Mutation } from "./mutations.js";

const ROOT = resolve(import.meta.dirname, "../..");
const COPIED = [
  "src",
  "test",
  "build",
  "docs",
  "package.json",
  "tsconfig.json",
  "vitest.config.ts",
  "eslint.config.js",
];

const copy = mkdtempSync(join(tmpdir(), "millrace-laws-"));
let unguarded = 0;
try {
  for (const part of COPIED) cpSync(join(ROOT, part), join(copy, part), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  const only = process.argv.slice(2).map(Number);
  for (const mutation of MUTATIONS) {
    if (only.length > 0 && !only.includes(mutation.law)) continue;
    const seen = isSeen(mutation);
    if (!seen) unguarded += 1;
    console.log(
      `law ${mutation.law}: ${mutation.what}: ${seen ? "the tests fail, as they must" : "NOT SEEN by any test"}`,
    );
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
console.log(unguarded === 0 ? "every broken law was seen" : `${unguarded} broken law(s) were not seen`);
process.exitCode = unguarded === 0 ? 0 : 1;

/** Fails with the law broken, and passes without: a guard that fails anyway guards nothing. */
function isSeen({ file, find, replace, tests, what }: Mutation): boolean {
  const path = join(copy, file);
  const source = readFileSync(path, "utf8");
  if (source.split(find).length !== 2) throw new Error(`"${what}" does not name one place in ${file}.`);
  const guard =
    tests === "lint" ? ["eslint", file] : ["vitest", "run", "--bail", "1", "--testTimeout", "10000", ...tests];
  if (!passes(guard)) throw new Error(`The guard of "${what}" fails also while the law is kept.`);
  writeFileSync(
    path,
    source.replace(find, () => replace),
  );
  const seen = !passes(guard);
  writeFileSync(path, source);
  return seen;
}

function passes(command: readonly string[]): boolean {
  return spawnSync("npx", command, { cwd: copy, stdio: "ignore" }).status === 0;
}
