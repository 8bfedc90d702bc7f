import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { entryPoints } from "../../build/entry-points.js";

const root = join(import.meta.dirname, "../..");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

describe("every entry point", () => {
  it("is exported in both formats, each with its own types", () => {
    const expected = Object.keys(entryPoints).map((name) => [
      name === "index" ? "." : `./${name}`,
      {
        import: { types: `./dist/${name}.d.ts`, default: `./dist/${name}.js` },
        require: { types: `./dist/${name}.d.cts`, default: `./dist/${name}.cjs` },
      },
    ]);
    expect(manifest.exports).toEqual({ ...Object.fromEntries(expected), "./package.json": "./package.json" });
  });

  it("has its types where examples, benchmarks and type tests look for them", () => {
    const { config } = ts.readConfigFile(join(root, "tsconfig.consumer.json"), ts.sys.readFile);
    const expected = Object.entries(entryPoints).map(([name, source]) => [
      name === "index" ? "millrace" : `millrace/${name}`,
      [`./${source}`],
    ]);
    expect(config.compilerOptions.paths).toEqual(Object.fromEntries(expected));
  });
});
