import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { allPages, codeBlocks, readPage, ROOT } from "./pages.js";

const CONSUMER = join(ROOT, "tsconfig.consumer.json");
// Inside the checkout, so that the blocks find the packages they import.
const folder = join(ROOT, ".tmp", `doc-blocks-${process.pid}`);

beforeAll(() => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ extends: CONSUMER, compilerOptions: { noUnusedLocals: false } }),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A `ts` block that begins with an import is a whole module; others are fragments of one. */
const modules = allPages().flatMap((path) =>
  codeBlocks(readPage(path))
    .filter(({ language, code }) => language === "ts" && code.startsWith("import "))
    .map(({ code, line }) => ({ name: `${path.replaceAll(/[/.]/g, "-")}-${line}.ts`, code })),
);

it("has modules that compile as a user's would", () => {
  expect(modules.length).toBeGreaterThan(1);
  // What a guide writes in several steps imports its own examples.
  const examples = readdirSync(join(ROOT, "docs/examples"), { recursive: true, encoding: "utf8" });
  for (const file of examples.filter((name) => name.endsWith(".ts"))) {
    copyFileSync(join(ROOT, "docs/examples", file), join(folder, basename(file)));
  }
  for (const { name, code } of modules) writeFileSync(join(folder, name), code);
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  expect(spawnSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" }).stdout).toBe("");
}, 180_000);

it("has a quick start of ten lines that prints what the README says", () => {
  const [, code, output] = codeBlocks(readPage("README.md"));
  const file = join(folder, "run-quick-start.ts");
  writeFileSync(file, code?.code ?? "");
  expect(
    code?.code.split("\n").filter((line) => line !== "" && !line.startsWith("import ")).length,
  ).toBeLessThanOrEqual(10);
  const printed = execFileSync(process.execPath, ["--import", "./build/run-source.mjs", file], {
    cwd: ROOT,
    encoding: "utf8",
    env: { ...process.env, TSX_TSCONFIG_PATH: CONSUMER, NO_COLOR: "1" },
  });
  expect(printed).toBe(output?.code);
}, 180_000);
